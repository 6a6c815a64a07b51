import type { Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import type { UidSet } from "./uid_set.ts";

/**
 * Messages of one statement, and ranges: so much is computed within every time limit, and reading
 * the answer takes a few ms, after which others get their turn.
 */
export const CHUNK = 5_000;

/**
 * Goes through a set in statements of at most CHUNK messages. `run` deals with the first ones of
 * the set it is given and answers their UIDs, ascending: fewer than CHUNK when there are no more.
 */
export async function inChunks(
  uids: UidSet,
  run: (part: UidSet) => Promise<readonly Uid[]>,
): Promise<void> {
  for (let at = 0; at < uids.ranges.length; at += CHUNK) {
    let rest = NumberSet.of(uids.ranges.slice(at, at + CHUNK));
    while (!rest.isEmpty) {
      const done = await run(rest);
      const last = done.at(-1);
      if (done.length < CHUNK || last === undefined) break;
      rest = above(rest, last);
    }
  }
}

/** What of a set lies above a UID. */
export function above(uids: UidSet, uid: Uid): UidSet {
  return clipped(uids, (uid + 1) as Uid, Infinity as Uid);
}

/** What of a set lies below a UID. */
export function below(uids: UidSet, uid: Uid): UidSet {
  return clipped(uids, 0 as Uid, (uid - 1) as Uid);
}

function clipped(uids: UidSet, first: Uid, last: Uid): UidSet {
  return NumberSet.of(
    uids.ranges.filter(([low, high]) => high >= first && low <= last).map(([low, high]) =>
      [low > first ? low : first, high < last ? high : last] as const
    ),
  );
}
