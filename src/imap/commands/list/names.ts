import type { AccessibleMailbox } from "../../../auth/mailbox_access.ts";
import { sharedPace } from "../../../lib/pace.ts";
import { mailboxKey, parentNames } from "../../../store/mailbox_name.ts";
import { ListPattern } from "../../list_pattern.ts";
import type { Selection } from "./options.ts";

/** A name that LIST may tell of. */
export interface Name {
  readonly name: string;
  /** null: only a subscription, or a level above others. */
  readonly mailbox: AccessibleMailbox | null;
  readonly isSubscribed: boolean;
  readonly hasChildren: boolean;
}

/** A name with what RFC 5258 §3.5 says about those below it. */
export interface Listed extends Name {
  /** False for a name that is only told because of those below it. */
  readonly isSelected: boolean;
  /** Options that select something below which no pattern matches: `("SUBSCRIBED")`. */
  readonly childInfo: readonly string[];
}

/** Every name there is: mailboxes, subscriptions, and the levels above them; parents come first. */
export function allNames(
  mailboxes: readonly AccessibleMailbox[],
  subscriptions: readonly string[],
): Name[] {
  const subscribed = new Set(subscriptions.map(mailboxKey));
  const existing = new Map(mailboxes.map((mailbox) => [mailboxKey(mailbox.name), mailbox]));
  const names = new Map<string, string>();
  const parents = new Set<string>();
  for (const { name } of mailboxes) {
    for (const parent of parentNames(name)) {
      const key = mailboxKey(parent);
      parents.add(key);
      if (!names.has(key)) names.set(key, existing.get(key)?.name ?? parent);
    }
    names.set(mailboxKey(name), name);
  }
  for (const name of subscriptions) {
    for (const level of [...parentNames(name), name]) {
      if (!names.has(mailboxKey(level))) names.set(mailboxKey(level), level);
    }
  }
  return [...names].sort(([a], [b]) => a < b ? -1 : 1).map(([key, name]) => ({
    name,
    mailbox: existing.get(key) ?? null,
    isSubscribed: subscribed.has(key),
    hasChildren: parents.has(key),
  }));
}

/** Those that the client asks for, in order. */
export async function* select(
  names: readonly Name[],
  patterns: readonly string[],
  selection: Selection,
): AsyncGenerator<Listed> {
  const wanted = patterns.map((pattern) => new ListPattern(pattern));
  const matches = (name: string) => wanted.some((pattern) => pattern.matches(name));
  const below = selection.recursiveMatch ? await hiddenBelow(names, matches, selection) : null;
  for (const name of names) {
    await sharedPace.breathe();
    const isSelected = meets(name, selection);
    const childInfo = [...below?.get(mailboxKey(name.name)) ?? []];
    if (!isSelected && childInfo.length === 0 || !matches(name.name)) continue;
    yield { ...name, isSelected, childInfo };
  }
}

function meets({ isSubscribed, mailbox, hasChildren }: Name, selection: Selection): boolean {
  if (selection.subscribed && !isSubscribed) return false;
  if (selection.specialUse && (mailbox?.specialUse ?? null) === null) return false;
  // WHY: a subscription without a mailbox is a name only for those who ask for subscriptions.
  return selection.subscribed || mailbox !== null || hasChildren;
}

/** For each name, what selects something below it that matches no pattern. */
async function hiddenBelow(
  names: readonly Name[],
  matches: (name: string) => boolean,
  selection: Selection,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const options = [
    ...(selection.subscribed ? ["SUBSCRIBED"] : []),
    ...(selection.specialUse ? ["SPECIAL-USE"] : []),
  ];
  const below = new Map<string, Set<string>>();
  for (const name of names) {
    await sharedPace.breathe();
    if (!meets(name, selection) || matches(name.name)) continue;
    for (const parent of parentNames(name.name)) {
      const key = mailboxKey(parent);
      const info = below.get(key) ?? new Set();
      for (const option of options) info.add(option);
      below.set(key, info);
    }
  }
  return below;
}
