import type { Steps } from "../../../lib/steps.ts";

/** Messages between two pauses. */
const MESSAGES_PER_STEP = 5_000;

/** A sequence-set that keeps the order: RFC 5267 §3.2; neighbours that ascend are ranges. */
export function* renderSet<T extends number>(
  uids: readonly T[],
  numberOf: (uid: T) => number,
): Steps<string> {
  const parts: string[] = [];
  let from = 0;
  let to = 0;
  const flush = () => parts.push(from === to ? `${from}` : `${from}:${to}`);
  for (const [at, uid] of uids.entries()) {
    const n = numberOf(uid);
    if (at > 0 && n === to + 1) to = n;
    else {
      if (at > 0) flush();
      from = to = n;
    }
    if (at % MESSAGES_PER_STEP === 0) yield;
  }
  if (uids.length > 0) flush();
  return parts.join(",");
}
