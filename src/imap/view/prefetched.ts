/** WHY: enough to keep a disk or an object store busy. */
const IN_FLIGHT_MAX = 8;
/** WHY: what one session may hold of octets that wait for their turn. */
export const HELD_BYTES_MAX = 4 * 1024 * 1024;

/** How to load something, and what it costs to hold the result. */
export interface Loading<A, B> {
  readonly load: (item: A) => Promise<B>;
  readonly costBytes: (item: A) => number;
  /** Where a session has less room than 4 MiB. */
  readonly heldMaxBytes?: number;
}

/**
 * Loads items in order, the next few while the caller works on one: at most eight, and 4 MiB or a
 * single larger one. A failure is thrown when its item's turn comes.
 */
export async function* prefetched<A, B>(
  items: readonly A[],
  { load, costBytes, heldMaxBytes = HELD_BYTES_MAX }: Loading<A, B>,
): AsyncGenerator<B> {
  const waiting: { readonly result: Promise<B>; readonly cost: number }[] = [];
  let held = 0;
  let next = 0;
  try {
    for (;;) {
      for (; next < items.length && waiting.length < IN_FLIGHT_MAX; next++) {
        const item = items[next] as A;
        const cost = costBytes(item);
        if (waiting.length > 0 && held + cost > heldMaxBytes) break;
        const result = load(item);
        result.catch(() => {}); // WHY: awaited in its turn, or in `finally`.
        held += cost;
        waiting.push({ result, cost });
      }
      const first = waiting[0];
      if (!first) return;
      yield await first.result;
      waiting.shift();
      held -= first.cost;
    }
  } finally {
    // WHY: no read may outlive the command, also when it fails or its caller stops.
    await Promise.allSettled(waiting.map(({ result }) => result));
  }
}
