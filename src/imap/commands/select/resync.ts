import type { Sequence, Uid } from "../../../lib/ids.ts";
import { type NumberRange, NumberSet } from "../../../lib/number_set.ts";
import { Pace } from "../../../lib/pace.ts";
import type { UidSet } from "../../../store/uid_set.ts";
import type { Replies } from "../../replies.ts";
import { indexRanges } from "../../view/uid_list.ts";
import { vanishedLines } from "../../view/vanished_lines.ts";
import type { View } from "../../view/view.ts";
import type { MatchData, Resync } from "./options.ts";

/** WHY: so many FETCH responses are one write, and small enough to queue. */
const RESPONSES_PER_WRITE = 500;

/**
 * Tells a client that comes back what it has missed: VANISHED (EARLIER), then FETCH with UID, MODSEQ
 * and FLAGS (RFC 7162 §3.2.5.1). Nothing when the mailbox is another one than it knew.
 */
export async function resync(
  view: View,
  { uidValidity, modseq, knownUids, match }: Resync,
  reply: Replies,
): Promise<void> {
  if (uidValidity !== view.mailbox.uidValidity) return;
  const uids = knownUids ? view.namedUids(knownUids) : everyUid(view);
  const vanished = await view.vanishedSince(uids, modseq);
  const matched = match ? lastMatch(match, view) : 0;
  for (const line of vanishedLines(from(vanished, matched + 1 as Uid), { earlier: true })) {
    reply.raw(line);
  }
  // WHY: a newer change is told with all others of its time, when the view has caught up with it.
  const changed = (await view.changedSince(indexRanges(view.list, uids), modseq))
    .filter((state) => state.modseq <= view.highestModseq);
  view.announceKeywords(changed, reply);
  const pace = new Pace();
  for (let at = 0; at < changed.length; at += RESPONSES_PER_WRITE) {
    reply.raw(
      changed.slice(at, at + RESPONSES_PER_WRITE).map((state) => view.flagsLine(state)).join(""),
    );
    await reply.drained();
    await pace.breathe();
  }
}

/** RFC 7162 §3.2.5.1: `1:<maxuid>`, nothing where there never was a message. */
function everyUid({ uidNext }: View): UidSet {
  return NumberSet.of(uidNext > 1 ? [[1 as Uid, uidNext - 1 as Uid]] : []);
}

function from({ ranges }: UidSet, first: Uid): UidSet {
  return NumberSet.of(
    ranges.filter(([, high]) => high >= first).map(([low, high]) =>
      [low > first ? low : first, high] as const
    ),
  );
}

/**
 * The highest UID that has the number now which the client knows it by, 0 when there is none. The
 * client then knows of all expunges below it: RFC 7162 §3.2.5.2.
 */
export function lastMatch(
  { numbers, uids }: MatchData,
  view: Pick<View, "count" | "uidAt">,
): number {
  const highest = (set: MatchData["uids"]) => [...set.resolve(0).ranges];
  let matched = 0;
  for (const pair of pairs(highest(numbers), highest(uids))) {
    matched = Math.max(matched, lastMatchOf(pair, view));
  }
  return matched;
}

/** Messages with the numbers `number …` and the UIDs `uid …`, `length` of each. */
interface Pair {
  readonly number: number;
  readonly uid: number;
  readonly length: number;
}

/** Two sets side by side, as far as both go: as many pieces as they have ranges, however long. */
function* pairs(
  numbers: readonly NumberRange<number>[],
  uids: readonly NumberRange<number>[],
): Generator<Pair> {
  let [i, j] = [0, 0];
  let [number, uid] = [numbers[0]?.[0] ?? 0, uids[0]?.[0] ?? 0];
  for (;;) {
    const [numberEnd, uidEnd] = [numbers[i]?.[1], uids[j]?.[1]];
    if (numberEnd === undefined || uidEnd === undefined) return;
    const length = Math.min(numberEnd - number, uidEnd - uid) + 1;
    yield { number, uid, length };
    number = number + length > numberEnd ? numbers[++i]?.[0] ?? 0 : number + length;
    uid = uid + length > uidEnd ? uids[++j]?.[0] ?? 0 : uid + length;
  }
}

/** WHY by halves: UIDs grow at least as fast as numbers, so from some message on they are too high. */
function lastMatchOf({ number, uid, length }: Pair, view: Pick<View, "count" | "uidAt">): number {
  const uidAt = (at: number): number => view.uidAt(number + at as Sequence) ?? Infinity;
  let from = 0;
  let to = Math.min(length, view.count - number + 1);
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (uidAt(middle) <= uid + middle) from = middle + 1;
    else to = middle;
  }
  return from > 0 && uidAt(from - 1) === uid + from - 1 ? uid + from - 1 : 0;
}
