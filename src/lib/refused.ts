/**
 * Every way Sora may decline a request. A refusal is an answer, not a bug: each protocol has one
 * table of words for these kinds. Anything else that is thrown, `WireError` aside, is a bug.
 */
export type Refusal =
  | { readonly kind: "bad-credentials" }
  | { readonly kind: "login-disabled" }
  | { readonly kind: "no-such-account" }
  /** `deleted`: by an account that was deleted; its addresses stay reserved until it is purged. */
  | { readonly kind: "account-exists"; readonly address: string; readonly deleted?: boolean }
  | { readonly kind: "no-such-mailbox"; readonly name: string }
  | { readonly kind: "mailbox-exists"; readonly name: string }
  | { readonly kind: "mailbox-has-children"; readonly name: string }
  | { readonly kind: "mailbox-protected"; readonly name: string }
  | { readonly kind: "bad-mailbox-name"; readonly why: string }
  | { readonly kind: "too-many-mailboxes"; readonly limit: number }
  | { readonly kind: "bad-special-use"; readonly why: string }
  | { readonly kind: "read-only" }
  | { readonly kind: "not-permitted" }
  | { readonly kind: "over-quota" }
  /** There is no room for bodies now; there will be when some of them have been uploaded. */
  | { readonly kind: "storage-full" }
  | { readonly kind: "too-big"; readonly limitBytes: number }
  | { readonly kind: "empty-message" }
  /** RFC 4469 §4.1; printable, and short enough for a response code. */
  | { readonly kind: "bad-url"; readonly url: string }
  /** RFC 4978 §3. */
  | { readonly kind: "compression-active" }
  /** Somebody else expunged the message that a command is about. */
  | { readonly kind: "message-gone" }
  | { readonly kind: "metadata-too-big"; readonly limitBytes: number }
  | { readonly kind: "metadata-too-many" }
  /** RFC 5465 §8: an event that nobody here can tell of; those that are known. */
  | { readonly kind: "bad-event"; readonly known: readonly string[] }
  | { readonly kind: "too-many-keywords"; readonly limit: number }
  /** RFC 5465 §5.8: more is to be watched than there is room for. */
  | { readonly kind: "notification-overflow" }
  /** RFC 9738: more than one command may process. */
  | { readonly kind: "too-many-messages"; readonly limit: number }
  /** RFC 5182 §2.1: there is no room for the result that was to be saved. */
  | { readonly kind: "not-saved" }
  | { readonly kind: "batch-size"; readonly code: "TOOFEW" | "TOOMANY" }
  /** RFC 3516 §4.3: a Content-Transfer-Encoding that cannot be undone. */
  | { readonly kind: "unknown-encoding" }
  | { readonly kind: "unknown-charset"; readonly charset: string }
  | { readonly kind: "too-many-connections" }
  | { readonly kind: "limit"; readonly what: string }
  /** Too many requests in a while; none is taken before so many seconds have passed. */
  | { readonly kind: "rate-limit"; readonly retryAfterS: number }
  /** A long request that was given up for a later one. */
  | { readonly kind: "superseded" }
  | { readonly kind: "unsupported"; readonly what: string }
  | { readonly kind: "gone"; readonly what: string }
  | { readonly kind: "unavailable"; readonly what: "database" | "bodies" | "hashing" | "server" };

/** Thrown by any layer; caught once per connection, request or subcommand. */
export class Refused extends Error {
  override readonly name = "Refused";

  constructor(readonly refusal: Refusal, options?: ErrorOptions) {
    super(refusal.kind, options);
  }
}

/** Infrastructure trouble is always temporary: never "not found", never an empty body. */
export function unavailable(
  what: Extract<Refusal, { kind: "unavailable" }>["what"],
  cause: unknown,
): Refused {
  return new Refused({ kind: "unavailable", what }, { cause });
}
