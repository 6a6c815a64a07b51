import { NONE, type NumberList } from "../../../lib/number_list.ts";
import type { Steps } from "../../../lib/steps.ts";

/** Threads between two pauses. */
const STEP = 16_384;

/** What merging looks at, by position. */
export interface Subjects {
  /** RFC 5256 §2.1, folded. */
  readonly base: readonly string[];
  /** RFC 5256 §3: base subject extraction takes a reply or forward mark off. */
  readonly isReply: readonly boolean[];
}

/**
 * RFC 5256 §3 REFERENCES, steps 4 and 5: threads with the same subject become one. Changes
 * `parents`, and appends the dummies that it needs. `order`: all positions by date.
 */
export function* mergeSubjects(
  parents: NumberList,
  order: Uint32Array,
  { base, isReply }: Subjects,
): Steps<void> {
  const tops = yield* topLevel(parents, order, base);
  const isDummy = (position: number) => position >= order.length;
  // (B)
  const table = new Map<string, number>();
  for (const [at, { position, subject }] of tops.entries()) {
    if (at % STEP === 0) yield;
    const known = table.get(subject);
    const isBetter = known === undefined ||
      !isDummy(known) && (isDummy(position) || isReply[known] && !isReply[position]);
    if (subject !== "" && isBetter) table.set(subject, position);
  }
  // (C)
  const merged = new Map<number, number>();
  for (const [at, { position, subject }] of tops.entries()) {
    if (at % STEP === 0) yield;
    const known = table.get(subject);
    if (known === undefined || known === position) continue;
    if (isDummy(known) && isDummy(position)) merged.set(position, known);
    else if (isDummy(known) || isReply[position] && !isReply[known]) parents.put(position, known);
    else {
      const dummy = parents.push(NONE);
      parents.put(position, dummy);
      parents.put(known, dummy);
      table.set(subject, dummy);
    }
  }
  if (merged.size === 0) return;
  for (let position = 0; position < order.length; position++) {
    if (position % STEP === 0) yield;
    const now = merged.get(parents.at(position));
    if (now !== undefined) parents.put(position, now);
  }
}

interface Top {
  readonly position: number;
  readonly subject: string;
}

/** (4) What is at the top, by date, with the thread's subject: a dummy has its first child's. */
function* topLevel(
  parents: NumberList,
  order: Uint32Array,
  base: readonly string[],
): Steps<Top[]> {
  const tops: Top[] = [];
  const seen = new Set<number>();
  for (const [at, message] of order.entries()) {
    if (at % STEP === 0) yield;
    const parent = parents.at(message);
    const subject = base[message] ?? "";
    if (parent === NONE) tops.push({ position: message, subject });
    else if (parent >= order.length && !seen.has(parent)) {
      seen.add(parent);
      tops.push({ position: parent, subject });
    }
  }
  return tops;
}
