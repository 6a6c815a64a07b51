import { NONE } from "../../../lib/number_list.ts";
import type { Steps } from "../../../lib/steps.ts";
import type { Threads } from "./threads.ts";

/** Messages between two pauses. */
const STEP = 16_384;

/**
 * draft-ietf-morg-inthread: REFS has the threads in the order of the latest message in each.
 * `order`: all positions by date.
 */
export function* byLatest(threads: Threads, order: Uint32Array): Steps<Threads> {
  const rootOf = yield* rootsOf(threads);
  const roots: number[] = [];
  const seen = new Uint8Array(rootOf.length);
  for (let at = order.length - 1; at >= 0; at--) {
    if (at % STEP === 0) yield;
    const root = rootOf[order[at] ?? 0] ?? 0;
    if (seen[root] !== 1) roots.push(root);
    seen[root] = 1;
  }
  return { ...threads, roots: roots.reverse() };
}

function* rootsOf({ roots, firstChild, nextSibling }: Threads): Steps<Int32Array> {
  const rootOf = new Int32Array(firstChild.length).fill(NONE);
  let steps = 0;
  for (const root of roots) {
    const open = [root];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (++steps % STEP === 0) yield;
      rootOf[at] = root;
      for (let child = firstChild[at] ?? NONE; child !== NONE; child = nextSibling[child] ?? NONE) {
        open.push(child);
      }
    }
  }
  return rootOf;
}
