/**
 * A pure computation that can be interrupted where it yields: `atOnce` runs it to its end, `inTurns`
 * (pace.ts) lets others run in between.
 */
export type Steps<T> = Generator<void, T>;

/** Runs a computation without a pause. */
export function atOnce<T>(steps: Steps<T>): T {
  for (let step = steps.next();; step = steps.next()) if (step.done) return step.value;
}
