import type { AccessibleMailbox } from "../auth/mailbox_access.ts";
import { DELIMITER, mailboxKey } from "../store/mailbox_name.ts";
import type { Scanner } from "./wire/scanner.ts";

/** Which mailboxes are meant: RFC 5465 §6, RFC 7377 §2.2. */
export type MailboxFilter =
  | { readonly kind: "inboxes" | "personal" | "subscribed" }
  | {
    readonly kind: "subtree" | "subtree-one" | "mailboxes";
    readonly names: readonly string[];
  };

/** WHY: each is compared with every mailbox. */
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
      return { kind: "subtree", names: mailboxNames(wire) };
    case "SUBTREE-ONE":
      return { kind: "subtree-one", names: mailboxNames(wire) };
    case "MAILBOXES":
      return { kind: "mailboxes", names: mailboxNames(wire) };
    default:
      return wire.fail("filter-mailboxes");
  }
}

function mailboxNames(wire: Scanner): string[] {
  const many = wire.sp().peek() === "(";
  const names = many ? wire.list(() => wire.mailbox()) : [wire.mailbox()];
  if (names.length > NAMES_MAX) wire.fail(`at most ${NAMES_MAX} mailboxes`);
  return names;
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
      return filter.names.some((one) => mailboxKey(one) === key);
    case "subtree":
      return filter.names.some((one) => isBelow(key, mailboxKey(one)));
    case "subtree-one":
      return filter.names.some((one) => isBelow(key, mailboxKey(one), { levels: 1 }));
  }
}

/** RFC 7377 §2.2: the root itself is a part of its subtree. */
function isBelow(
  key: string,
  root: string,
  { levels = Infinity }: { readonly levels?: number } = {},
): boolean {
  if (key === root) return true;
  if (!key.startsWith(root + DELIMITER)) return false;
  return key.slice(root.length + 1).split(DELIMITER).length <= levels;
}
