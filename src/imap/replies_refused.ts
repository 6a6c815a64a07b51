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
  "storage-full": ["UNAVAILABLE", "No room for messages now, try again later"],
  "too-big": ["TOOBIG", "Message too large"],
  "empty-message": ["CANNOT", "Message is empty"],
  "bad-url": ["BADURL", "No such message or part"],
  "compression-active": ["COMPRESSIONACTIVE", "DEFLATE is active already"],
  "message-gone": ["EXPUNGEISSUED", "The message was expunged"],
  "metadata-too-big": ["METADATA MAXSIZE", "Value is too long"],
  "bad-event": ["BADEVENT", "An event is not known"],
  "metadata-too-many": ["METADATA TOOMANY", "Too many entries, or too much in them"],
  "notification-overflow": ["NOTIFICATIONOVERFLOW", "Too much to be watched"],
  "too-many-keywords": ["LIMIT", "Too many keywords"],
  "too-many-messages": ["MESSAGELIMIT", "Too many messages for one command"],
  "not-saved": ["NOTSAVED", "No room for the result"],
  "batch-size": ["LIMIT", "Not a possible number of batches, or of messages in them"],
  "unknown-encoding": ["UNKNOWN-CTE", "Unknown transfer encoding"],
  "unknown-charset": ["BADCHARSET", "Unknown charset"],
  "too-many-connections": ["LIMIT", "Too many connections"],
  limit: ["LIMIT", "Limit exceeded"],
  "rate-limit": ["LIMIT", "Too many searches"],
  superseded: ["INUSE", "Given up for the command that waits"],
  unsupported: ["CANNOT", "Not supported"],
  gone: ["NONEXISTENT", "The mailbox no longer exists"],
  unavailable: ["UNAVAILABLE", "Temporarily unavailable, try again later"],
}; // a new kind does not compile until IMAP has a word for it

/** RFC 3501 §7.1: TRYCREATE, where creating the mailbox and trying again would help. */
export function inImap(
  refusal: Refusal,
  { tryCreate = false }: { readonly tryCreate?: boolean } = {},
): RefusedReply {
  const [code, text] = words[refusal.kind];
  if (tryCreate && refusal.kind === "no-such-mailbox") return { code: "TRYCREATE", text };
  // RFC 5464 §4.3: the code names the limit.
  if (refusal.kind === "metadata-too-big") return { code: `${code} ${refusal.limitBytes}`, text };
  if (refusal.kind === "bad-url") return { code: `${code} ${refusal.url}`, text };
  // RFC 9738 §3.1: the code names the limit.
  if (refusal.kind === "too-many-messages") return { code: `${code} ${refusal.limit}`, text };
  if (refusal.kind === "batch-size") return { code: refusal.code, text }; // RFC 10022 §3.1
  if (refusal.kind === "bad-event") return { code: `${code} (${refusal.known.join(" ")})`, text };
  if (refusal.kind === "rate-limit") {
    return { code, text: `${text}, try again in ${refusal.retryAfterS} seconds` };
  }
  return { code, text };
}
