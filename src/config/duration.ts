/** Longest duration that is accepted: a hundred years, so that adding one to a date stays a date. */
export const DURATION_MS_MAX = 100 * 365 * 86_400_000;

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ["w", 604_800_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

/** WHY: longer texts are no durations; the limit keeps the scan short. */
const TEXT_MAX = 64;
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|[wdhms]))+$/;
const TERM = /(\d+(?:\.\d+)?)(ms|[wdhms])/g;

/**
 * A duration as operators write it (`14d`, `1h30m`, `500ms`, `1.5h`, `0`) in whole milliseconds,
 * rounded; undefined when it is none, or longer than DURATION_MS_MAX. Each unit is used at most
 * once, the larger first.
 *
 *     duration = "0" / 1*( 1*DIGIT [ "." 1*DIGIT ] ( "w" / "d" / "h" / "m" / "s" / "ms" ) )
 */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "0") return 0;
  if (trimmed.length > TEXT_MAX || !WHOLE.test(trimmed)) return undefined;
  let total = 0;
  let lastUnit = -1;
  for (const [, amount, unit] of trimmed.matchAll(TERM)) {
    const rank = UNITS.findIndex(([name]) => name === unit);
    const ms = UNITS[rank]?.[1];
    if (ms === undefined || rank <= lastUnit) return undefined;
    lastUnit = rank;
    total += Number(amount) * ms;
  }
  return total <= DURATION_MS_MAX ? Math.round(total) : undefined;
}

/** Whole milliseconds as the shortest text that parseDuration reads back: 5400000 is `1h30m`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0";
  let rest = ms;
  let text = "";
  for (const [unit, length] of UNITS) {
    if (unit === "w") continue; // WHY: operators count in days: 14d, not 2w.
    const amount = Math.floor(rest / length);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * length;
  }
  return text;
}
