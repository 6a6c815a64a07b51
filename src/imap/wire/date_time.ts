const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/**
 * Midnight UTC of a day that exists, else null.
 *
 *     date-text = date-day "-" date-month "-" date-year                     RFC 3501 §9
 */
export function readDate(text: string): Date | null {
  const [, day, month = "", year] = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/.exec(text) ?? [];
  return utc(Number(year), month, Number(day));
}

/**
 * The instant, or null when there is no such day, hour or zone.
 *
 *     date-time = DQUOTE date-day-fixed "-" date-month "-" date-year
 *                 SP time SP zone DQUOTE                                    RFC 3501 §9
 */
export function readDateTime(text: string): Date | null {
  const [, date = "", hours, minutes, seconds, sign, zoneHours, zoneMinutes] =
    /^ ?(\d{1,2}-[A-Za-z]{3}-\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(text) ?? [];
  const midnight = readDate(date);
  if (!midnight) return null;
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds)];
  const [zoneH, zoneM] = [Number(zoneHours), Number(zoneMinutes)];
  // RFC 3339 §5.7: second 60 is a leap second.
  if (h > 23 || m > 59 || s > 60 || zoneH > 23 || zoneM > 59) return null;
  const offsetMinutes = (zoneH * 60 + zoneM) * (sign === "-" ? -1 : 1);
  return new Date(midnight.getTime() + ((h * 60 + m - offsetMinutes) * 60 + s) * 1_000);
}

function utc(year: number, monthName: string, day: number): Date | null {
  const month = months.indexOf(monthName.toLowerCase());
  if (month < 0 || !(day >= 1)) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month, day); // WHY: Date.UTC would take the years 0-99 as 19xx.
  return date.getUTCDate() === day ? date : null;
}
