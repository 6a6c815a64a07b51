import { section } from "../setting.ts";
import { duration, flag, size } from "../setting_kinds.ts";

/** WHY: below it a large mailbox takes years. */
const BYTES_PER_SECOND_MIN = 1024;
const INTERVAL_MS_MIN = 60 * 60_000;

/** `[scrub]`. */
export const scrubSection = section("Reading all bodies again, slowly, to find damage in time.", {
  enabled: flag(true, "Read bodies again in the background."),
  interval: duration("30d", "Longest time between two readings of a body, if the rate allows it.", {
    min: INTERVAL_MS_MIN,
  }),
  bytes_per_second: size("1mb", "How much a node reads in a second.", {
    min: BYTES_PER_SECOND_MIN,
  }),
});
