import type { Refusal } from "../lib/refused.ts";

/** A response code of RFC 3501 §7.1, RFC 5530 §3 or an extension, and the text for people. */
export interface RefusedReply {
  readonly code: string;
  readonly text: string;
}

/** IMAP's words for every refusal; answered `NO [CODE] text`. */
const words: Readonly<Record<Refusal["kind"], readonly [code: string, text: string]>> = {
  "bad-credentials": ["AUTHENTICATIONFAILED", "Authentication failed"],
  "login-disabled": ["PRIVACYREQUIRED", "Passwords are not accepted without encryption"],
  "no-such-account": ["NONEXISTENT", "No such account"],
  "account-exists": ["ALREADYEXISTS", "Account exists"],
  "no-such-mailbox": ["NONEXISTENT", "No such mailbox"],
  "mailbox-exists": ["ALREADYEXISTS", "Mailbox exists"],
  "mailbox-has-children": ["HASCHILDREN", "Mailbox has children"],
  "mailbox-protected": ["CANNOT", "Not possible with this mailbox"],
  "bad-mailbox-name": ["CANNOT", "Not a possible mailbox name"],
  "too-many-mailboxes": ["LIMIT", "Too many mailboxes"],
  "bad-special-use": ["USEATTR", "Special use not possible"],
  "read-only": ["READ-ONLY", "Mailbox is read-only"],
  "not-permitted": ["NOPERM", "Permission denied"],
  "over-quota": ["OVERQUOTA", "Quota exceeded"],
  "too-big": ["TOOBIG", "Message too large"],
  "empty-message": ["CANNOT", "Message is empty"],
  "too-many-keywords": ["LIMIT", "Too many keywords"],
  "unknown-charset": ["BADCHARSET", "Unknown charset"],
  "too-many-connections": ["LIMIT", "Too many connections"],
  limit: ["LIMIT", "Limit exceeded"],
  unsupported: ["CANNOT", "Not supported"],
  gone: ["NONEXISTENT", "The mailbox no longer exists"],
  unavailable: ["UNAVAILABLE", "Temporarily unavailable, try again later"],
}; // a new kind does not compile until IMAP has a word for it

/** RFC 3501 §7.1: TRYCREATE, where creating the mailbox and trying again would help. */
export function inImap(
  { kind }: Refusal,
  { tryCreate = false }: { readonly tryCreate?: boolean } = {},
): RefusedReply {
  const [code, text] = words[kind];
  return { code: tryCreate && kind === "no-such-mailbox" ? "TRYCREATE" : code, text };
}
