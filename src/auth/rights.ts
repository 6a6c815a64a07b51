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

/** What the owner of a shared mailbox has at least: nobody can take away who administers it. */
export const OWNER_RIGHTS: Rights = new Set<Right>(["l", "a"]);

/** RFC 4314 §2.1.1: the rights of RFC 2086 that stand for several of today's. */
const OBSOLETE: Readonly<Record<string, readonly Right[]>> = { c: ["k", "x"], d: ["t", "e"] };

/** Rights by their letters, `c` and `d` included; null when there is any other letter. */
export function readRights(letters: string): Rights | null {
  const rights = new Set<Right>();
  for (const letter of letters) {
    const meant = Object.hasOwn(OBSOLETE, letter)
      ? OBSOLETE[letter]
      : RIGHTS.filter((right) => right === letter);
    if (!meant || meant.length === 0) return null;
    for (const right of meant) rights.add(right);
  }
  return rights;
}

/** Their letters in the order of RFC 4314. */
export function rightLetters(rights: Rights): string {
  return RIGHTS.filter((right) => rights.has(right)).join("");
}

/** The obsolete letters that a client of RFC 2086 expects beside these rights. */
export function obsoleteLetters(rights: Rights): string {
  return Object.entries(OBSOLETE)
    .filter(([, members]) => members.some((right) => rights.has(right)))
    .map(([letter]) => letter).join("");
}
