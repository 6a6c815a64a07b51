import { FIELD_BODY_MAX, type Header } from "./header.ts";
import { imapNString, imapString, imapText } from "./imap_string.ts";
import { type Address, ADDRESSES_MAX, parseAddresses } from "./mailbox_address.ts";

/** RFC 3501 §7.4.2 ENVELOPE. Binary strings as they were written, unfolded. */
export interface Envelope {
  readonly date: string | null;
  readonly subject: string | null;
  readonly from: readonly Address[];
  readonly sender: readonly Address[];
  readonly replyTo: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
  readonly inReplyTo: string | null;
  readonly messageId: string | null;
}

/** Octets kept of Date, Subject, In-Reply-To and Message-ID: clients show a line of it. */
const TEXT_MAX = 32 * 1024;

/**
 * Reads the ten fields. Several To, Cc, … fields are one list; of the rest the first counts. At
 * most `addressesMax` addresses are read altogether, out of at most FIELD_BODY_MAX octets.
 */
export function readEnvelope(header: Header, addressesMax = ADDRESSES_MAX): Envelope {
  let budget = Math.min(addressesMax, ADDRESSES_MAX);
  let octets = FIELD_BODY_MAX;
  const text = (name: string) => header.get(name)?.slice(0, TEXT_MAX) ?? null;
  const addresses = (name: string) => {
    const bodies = header.all(name);
    if (bodies.length === 0) return [];
    const joined = bodies.join(",").slice(0, octets);
    const list = parseAddresses(joined, budget);
    octets -= joined.length;
    budget -= list.length;
    return list;
  };
  const from = addresses("from");
  // RFC 3501 §7.4.2: Sender and Reply-To, absent or empty, are From's.
  const orFrom = (list: readonly Address[]) => list.length === 0 ? from : list;
  return {
    date: text("date"),
    subject: text("subject"),
    from,
    sender: orFrom(addresses("sender")),
    replyTo: orFrom(addresses("reply-to")),
    to: addresses("to"),
    cc: addresses("cc"),
    bcc: addresses("bcc"),
    inReplyTo: text("in-reply-to"),
    messageId: text("message-id"),
  };
}

/** Characters of its texts; addresses are counted by the parser. */
export function textLength({ date, subject, inReplyTo, messageId }: Envelope): number {
  return [date, subject, inReplyTo, messageId].reduce((sum, text) => sum + (text?.length ?? 0), 0);
}

/** What is left of an envelope when a message has too many. */
export function withoutTexts(envelope: Envelope): Envelope {
  return { ...envelope, date: null, subject: null, inReplyTo: null, messageId: null };
}

/**
 * The parenthesized list, a binary string without NUL. 8-bit text is encoded as RFC 2047 words,
 * 8-bit addresses are literals.
 *
 *     envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to
 *                SP env-cc SP env-bcc SP env-in-reply-to SP env-message-id ")"   RFC 3501 §9
 */
export function renderEnvelope(envelope: Envelope): string {
  const from = renderAddresses(envelope.from);
  const orFrom = (list: readonly Address[]) =>
    list === envelope.from ? from : renderAddresses(list);
  return `(${
    [
      imapNString(envelope.date),
      imapText(envelope.subject),
      from,
      orFrom(envelope.sender),
      orFrom(envelope.replyTo),
      renderAddresses(envelope.to),
      renderAddresses(envelope.cc),
      renderAddresses(envelope.bcc),
      imapNString(envelope.inReplyTo),
      imapNString(envelope.messageId),
    ].join(" ")
  })`;
}

function renderAddresses(list: readonly Address[]): string {
  if (list.length === 0) return "NIL";
  let rendered = "(";
  for (const address of list) {
    // RFC 3501 §7.4.2: a group name stands in the mailbox field, and is text.
    const isGroup = address.host === null;
    const mailbox = isGroup || address.mailbox === null
      ? imapText(address.mailbox)
      : imapString(address.mailbox);
    rendered += `(${imapText(address.name)} ${imapNString(address.route)} ${mailbox} ${
      imapNString(address.host)
    })`;
  }
  return rendered + ")";
}
