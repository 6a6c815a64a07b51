import type { Option, OptionValues } from "./command.ts";
import { usage } from "./failure.ts";

/** Enough to keep a disk busy. */
const JOBS_DEFAULT = 8;
const JOBS_MAX = 64;

/** How many messages are worked on at a time. */
export const jobsOption: Option = {
  value: "COUNT",
  text: `messages at a time, 1 to ${JOBS_MAX}; ${JOBS_DEFAULT}`,
};

/** The value of `--jobs`. Throws `Failure` (usage). */
export function jobsOf(options: OptionValues): number {
  const text = options.text("jobs");
  if (text === undefined) return JOBS_DEFAULT;
  const jobs = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (jobs < 1 || jobs > JOBS_MAX) throw usage(`--jobs: a number from 1 to ${JOBS_MAX}`);
  return jobs;
}
