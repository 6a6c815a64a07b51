import { STALL_MS } from "../../src/observe/stall_monitor.ts";

/** WHY: what is slow because something else has the CPU is not slow every time. */
const ATTEMPTS_MAX = 5;

/** Runs what no event loop may be held by: throws when it takes longer than a task may, every time. */
export function quickly<T>(what: string, work: () => T): T {
  for (let attempt = 1;; attempt++) {
    const since = performance.now();
    const settled = settle(work);
    const tookMs = performance.now() - since;
    if (tookMs > STALL_MS && attempt < ATTEMPTS_MAX) continue;
    if (tookMs > STALL_MS) throw new Error(`${what} holds the event loop for ${tookMs} ms`);
    if ("error" in settled) throw settled.error;
    return settled.value;
  }
}

function settle<T>(work: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}
