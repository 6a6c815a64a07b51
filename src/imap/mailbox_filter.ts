import type { AccessibleMailbox } from "../auth/mailbox_access.ts";
import { mailboxKey, parentNames } from "../store/mailbox_name.ts";
import type { Scanner } from "./wire/scanner.ts";

/** Which mailboxes are meant: RFC 5465 §6, RFC 7377 §2.2. */
export type MailboxFilter =
  | { readonly kind: "inboxes" | "personal" | "subscribed" }
  | {
    readonly kind: "subtree" | "subtree-one" | "mailboxes";
    /** Keys of names. */
    readonly keys: ReadonlySet<string>;
  };

/** WHY: more than anybody names one by one. */
const NAMES_MAX = 1_000;

/**
 *     filter-mailboxes-other = "inboxes" / "personal" / "subscribed" /
 *                              ("subtree" / "subtree-one" / "mailboxes") SP one-or-more-mailbox
 *
 * From behind its first word on.
 */
export function mailboxFilter(wire: Scanner, word: string): MailboxFilter {
  switch (word) {
    case "INBOXES":
      return { kind: "inboxes" };
    case "PERSONAL":
      return { kind: "personal" };
    case "SUBSCRIBED":
      return { kind: "subscribed" };
    case "SUBTREE":
      return { kind: "subtree", keys: mailboxKeys(wire) };
    case "SUBTREE-ONE":
      return { kind: "subtree-one", keys: mailboxKeys(wire) };
    case "MAILBOXES":
      return { kind: "mailboxes", keys: mailboxKeys(wire) };
    default:
      return wire.fail("filter-mailboxes");
  }
}

function mailboxKeys(wire: Scanner): ReadonlySet<string> {
  const many = wire.sp().peek() === "(";
  const names = many ? wire.list(() => wire.mailbox()) : [wire.mailbox()];
  if (names.length > NAMES_MAX) wire.fail(`at most ${NAMES_MAX} mailboxes`);
  return new Set(names.map(mailboxKey));
}

/** True for a mailbox that the filter means; `subscribed` holds keys of names. */
export function isMeant(
  { name, isForeign, domain }: Pick<AccessibleMailbox, "name" | "isForeign" | "domain">,
  filter: MailboxFilter,
  subscribed: ReadonlySet<string>,
): boolean {
  const key = mailboxKey(name);
  switch (filter.kind) {
    case "inboxes": // RFC 5465 §6.3: mail is delivered to INBOX.
      return name === "INBOX";
    case "personal":
      return !isForeign && domain === null;
    case "subscribed":
      return subscribed.has(key);
    case "mailboxes":
      return filter.keys.has(key);
    case "subtree": // RFC 7377 §2.2: the root itself is a part of its subtree.
      return [key, ...parentNames(key)].some((one) => filter.keys.has(one));
    case "subtree-one":
      return [key, ...parentNames(key).slice(-1)].some((one) => filter.keys.has(one));
  }
}
