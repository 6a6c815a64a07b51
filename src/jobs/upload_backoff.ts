/** Milliseconds before attempt `failures + 2`, at most `maxMs`. */
export type Backoff = (failures: number, maxMs: number) => number;

/**
 * Doubles with each failure; between the half and the whole of it by chance, so that what failed
 * together does not come again together. `random`: 0 … 1.
 */
export function backoff(firstMs: number, random: () => number): Backoff {
  return (failures, maxMs) => {
    const ms = Math.min(maxMs, firstMs * 2 ** Math.min(failures, 30));
    return Math.round(ms * (0.5 + random() / 2));
  };
}
