import type { AccessibleMailbox } from "../../../auth/mailbox_access.ts";
import { sharedPace } from "../../../lib/pace.ts";
import { mailboxKey, parentNames } from "../../../store/mailbox_name.ts";
import { ListPattern } from "../../list_pattern.ts";
import type { Selection } from "./options.ts";

/** A name that LIST may tell of. */
export interface Name {
  /** By which names are compared. */
  readonly key: string;
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

/**
 * Every name there is: mailboxes, subscriptions, and the levels above them; parents come first. Lets
 * others run in between: an account may have ten thousand.
 */
export async function allNames(
  mailboxes: readonly AccessibleMailbox[],
  subscriptions: readonly string[],
): Promise<Name[]> {
  const existing = new Map<string, AccessibleMailbox>();
  const subscribed = new Map<string, string>();
  for (const mailbox of mailboxes) {
    await sharedPace.breathe();
    existing.set(mailboxKey(mailbox.name), mailbox);
  }
  for (const name of subscriptions) {
    await sharedPace.breathe();
    subscribed.set(mailboxKey(name), name);
  }
  const names = new Map<string, string>();
  const parents = new Set<string>();
  for (const [key, { name }] of existing) {
    await sharedPace.breathe();
    names.set(key, name);
    for (const [level, levelKey] of levels(name, key)) {
      parents.add(levelKey);
      if (!names.has(levelKey)) names.set(levelKey, existing.get(levelKey)?.name ?? level);
    }
  }
  for (const [key, name] of subscribed) {
    await sharedPace.breathe();
    for (const [level, levelKey] of [...levels(name, key), [name, key] as const]) {
      if (!names.has(levelKey)) names.set(levelKey, level);
    }
  }
  const all: Name[] = [];
  for (const [key, name] of [...names].sort(([a], [b]) => a < b ? -1 : 1)) {
    await sharedPace.breathe();
    all.push({
      key,
      name,
      mailbox: existing.get(key) ?? null,
      isSubscribed: subscribed.has(key),
      hasChildren: parents.has(key),
    });
  }
  return all;
}

/** The names above a name, with their keys, which the key begins with. */
function* levels(name: string, key: string): Generator<readonly [level: string, key: string]> {
  const keys = parentNames(key);
  for (const [at, level] of parentNames(name).entries()) yield [level, keys[at] ?? ""];
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
    const childInfo = [...below?.get(name.key) ?? []];
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
    for (const key of parentNames(name.key)) {
      const info = below.get(key) ?? new Set();
      for (const option of options) info.add(option);
      below.set(key, info);
    }
  }
  return below;
}
