import type { Refusal } from "../lib/refused.ts";

/** RFC 5321 §4.2, RFC 2034: one reply; several lines only for LHLO. */
export interface Reply {
  /** 200 … 599. */
  readonly code: number;
  /** RFC 3463 `class.subject.detail`; null for greetings and LHLO: RFC 2034 §4. */
  readonly enhanced: string | null;
  /** US-ASCII, no line ends; never empty. */
  readonly lines: readonly string[];
}

/** A reply of one line. */
export function reply(code: number, enhanced: string | null, text: string): Reply {
  return { code, enhanced, lines: [text] };
}

/** As it goes over the wire. */
export function renderReply({ code, enhanced, lines }: Reply): string {
  const status = enhanced === null ? "" : `${enhanced} `;
  return lines.map((line, at) => `${code}${at < lines.length - 1 ? "-" : " "}${status}${line}\r\n`)
    .join("");
}

/** A command that breaks the rules of the protocol; answered with its reply and counted. */
export class WireError extends Error {
  override readonly name = "WireError";

  constructor(readonly reply: Reply) {
    super(reply.lines[0]);
  }
}

/** A `WireError` to throw. */
export function wireError(code: number, enhanced: string, text: string): WireError {
  return new WireError(reply(code, enhanced, text));
}

const MAILBOX_GONE = [451, "4.2.0", "The mailbox is being changed"] as const;
const OPERATION = [451, "4.3.0", "Temporary failure"] as const;

/** LMTP's words for what the store may decline. IMAP and HTTP keep theirs beside their own replies. */
const words: Record<Refusal["kind"], readonly [code: number, enhanced: string, text: string]> = {
  "no-such-account": [550, "5.1.1", "No such user here"],
  "too-big": [552, "5.3.4", "Message is too big"],
  "empty-message": [550, "5.6.0", "Message is empty"],
  "over-quota": [452, "4.2.2", "Mailbox is full"],
  "storage-full": [452, "4.3.1", "No room for messages now, try again later"],
  "unavailable": [451, "4.3.0", "Temporary failure, try again later"],
  "not-permitted": [550, "5.7.1", "Not permitted"],
  "too-many-connections": [421, "4.3.2", "Too many connections"],
  // WHY: an account or mailbox that changes under a delivery is there again on the next attempt, or
  // RCPT refuses it then.
  "no-such-mailbox": MAILBOX_GONE,
  "mailbox-exists": MAILBOX_GONE,
  "gone": MAILBOX_GONE,
  "read-only": MAILBOX_GONE,
  // What a delivery never meets.
  "bad-credentials": OPERATION,
  "login-disabled": OPERATION,
  "account-exists": OPERATION,
  "bad-url": OPERATION,
  "message-gone": OPERATION,
  "compression-active": OPERATION,
  "metadata-too-big": OPERATION,
  "metadata-too-many": OPERATION,
  "bad-event": OPERATION,
  "unknown-encoding": OPERATION,
  "rate-limit": OPERATION,
  "superseded": OPERATION,
  "mailbox-has-children": OPERATION,
  "mailbox-protected": OPERATION,
  "bad-mailbox-name": OPERATION,
  "too-many-mailboxes": OPERATION,
  "bad-special-use": OPERATION,
  "too-many-keywords": OPERATION,
  "notification-overflow": OPERATION,
  "too-many-messages": OPERATION,
  "batch-size": OPERATION,
  "not-saved": OPERATION,
  "unknown-charset": OPERATION,
  "limit": OPERATION,
  "unsupported": OPERATION,
};

/** The reply to a refusal. */
export function inLmtp(refusal: Refusal): Reply {
  return reply(...words[refusal.kind]);
}

/** The reply to anything else that was thrown: a bug of ours, so the mail must be kept elsewhere. */
export const serverBug: Reply = reply(451, "4.3.0", "Internal error, try again later");
