import { decodeRaw, decodeWords } from "./encoded_words.ts";
import type { Envelope } from "./envelope.ts";
import { foldCase } from "./fold_case.ts";
import type { Address } from "./mailbox_address.ts";
import { utf8Prefix } from "./text.ts";

/** What SORT compares besides dates, size and subject, folded: RFC 5256 §3, RFC 5957 §4. */
export const SORT_KEYS = ["from", "to", "cc", "displayFrom", "displayTo"] as const;
export type SortKey = typeof SORT_KEYS[number];

/** Octets of one key: longer names differ before their end. */
const KEY_BYTES_MAX = 512;
/** Octets of a phrase that are decoded: encoded words are at most some four times as long. */
const PHRASE_MAX = 8 * KEY_BYTES_MAX;

/** The keys of a message, in the order of SORT_KEYS; none has control characters. */
export function sortKeys({ from, to, cc }: Envelope): readonly string[] {
  const texts: Readonly<Record<SortKey, string>> = {
    from: mailboxOf(from[0]),
    to: mailboxOf(to[0]),
    cc: mailboxOf(cc[0]),
    displayFrom: displayOf(from[0]),
    displayTo: displayOf(to[0]),
  };
  return SORT_KEYS.map((key) => bounded(foldCase(texts[key])));
}

/** RFC 5256 §3: addr-mailbox. */
function mailboxOf(address: Address | undefined): string {
  return clean(decodeRaw((address?.mailbox ?? "").slice(0, PHRASE_MAX)));
}

/** RFC 5957 §3. */
function displayOf(address: Address | undefined): string {
  const name = clean(decodeWords((address?.name ?? "").slice(0, PHRASE_MAX)));
  if (name !== "" || !address) return name;
  const mailbox = mailboxOf(address);
  if (address.mailbox === null || address.host === null) return mailbox;
  return `${mailbox}@${clean(decodeRaw(address.host.slice(0, PHRASE_MAX)))}`;
}

function clean(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f]+/g, " ");
}

function bounded(text: string): string {
  return text.length * 3 <= KEY_BYTES_MAX ? text : utf8Prefix(text, KEY_BYTES_MAX);
}
