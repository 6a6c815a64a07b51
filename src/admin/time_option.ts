import { parseDuration } from "../config/duration.ts";
import type { OptionValues } from "./command.ts";
import { usage } from "./failure.ts";

const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/i;

/** How times are written on the command line. */
export const TIME_HELP =
  '"2026-03-01", "2026-03-01 14:05" (UTC), with a zone, or "3d" for 3 days ago';

/** The time of an option; undefined when it was not given. Throws `Failure` (usage). */
export function timeOf(
  options: OptionValues,
  name: string,
  now: Date = new Date(),
): Date | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const ago = parseDuration(text);
  if (ago !== undefined) return new Date(now.getTime() - ago);
  const [, day, time = "00:00", zone = "Z"] = TIME.exec(text.trim()) ?? [];
  const date = new Date(day === undefined ? NaN : `${day}T${time}${zone.toUpperCase()}`);
  if (!Number.isNaN(date.getTime())) return date;
  throw usage(`--${name}: ${JSON.stringify(text)} is no time; write ${TIME_HELP}`);
}
