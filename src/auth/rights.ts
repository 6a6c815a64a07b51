/**
 * RFC 4314 §2.1: l lookup, r read, s keep \Seen, w write flags, i insert, p post, k create
 * mailboxes, x delete mailbox, t set \Deleted, e expunge, a administer.
 */
export type Right = "l" | "r" | "s" | "w" | "i" | "p" | "k" | "x" | "t" | "e" | "a";

/** What somebody may do with a mailbox. */
export type Rights = ReadonlySet<Right>;

/** In the order of RFC 4314. */
export const RIGHTS: readonly Right[] = ["l", "r", "s", "w", "i", "p", "k", "x", "t", "e", "a"];

/** What an owner has. */
export const ALL_RIGHTS: Rights = new Set(RIGHTS);
