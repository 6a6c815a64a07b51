import { withoutComments } from "./parameters.ts";

/**
 * A Date field in any shape seen in the wild: RFC 5322 with its obsolete forms, asctime, RFC 850,
 * ISO 8601, `GMT+0200`, 12-hour clocks, a missing day name, time, seconds or zone (UTC then). Null
 * when it names no moment, or one before 1900 or after 9999.
 */
export function parseDate(text: string): Date | null {
  // RFC 5322 §4.3: white space around the colons of a time is obsolete.
  const plain = withoutComments(text.slice(0, TEXT_MAX)).replace(/[ \t]*:[ \t]*/g, ":");
  const iso = ISO_8601.exec(plain);
  if (iso) return fromIso(iso);
  const found = new Found();
  for (const word of plain.split(SEPARATOR)) {
    if (word !== "") found.take(word);
  }
  return found.date();
}

/** RFC 3501 §9 date-time without its quotes, in UTC: `17-Jul-1996 09:44:25 +0000`. */
export function formatInternalDate(date: Date): string {
  return `${two(date.getUTCDate())}-${month(date)}-${year(date)} ${clock(date)} +0000`;
}

/** RFC 5322 §3.3, in UTC: `Wed, 17 Jul 1996 09:44:25 +0000`. */
export function formatDate822(date: Date): string {
  const day = DAYS[date.getUTCDay()] ?? "";
  return `${day}, ${two(date.getUTCDate())} ${month(date)} ${year(date)} ${clock(date)} +0000`;
}

/** Octets of a Date field that are looked at: real ones have 31, with comments some 60. */
const TEXT_MAX = 256;
const YEAR_MIN = 1900; // RFC 5322 §3.3
const YEAR_MAX = 9999;

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MONTH_NUMBER: ReadonlyMap<string, number> = new Map(
  MONTHS.map((name, index) => [name.toLowerCase(), index + 1]),
);

/** RFC 5322 §4.3 obs-zone, and what else has a fixed meaning in practice; minutes east. */
const ZONES: ReadonlyMap<string, number> = new Map(Object.entries({
  UT: 0,
  UTC: 0,
  GMT: 0,
  WET: 0,
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
  BST: 60,
  CET: 60,
  MET: 60,
  CEST: 120,
  MEST: 120,
  EET: 120,
  EEST: 180,
  MSK: 180,
  JST: 540,
  KST: 540,
}));

const SEPARATOR = /[ \t,]+/;
const ISO_8601 =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ]\s*(\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s*([Zz]|[+-]\d{2}:?(?:\d{2})?)?)?(?:\s|$)/;
const DASHED = /^(\d{1,2})-([A-Za-z]{3,9})-(\d{2,4})$/;
const TIME = /^(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2})(?:[.,]\d{1,9})?)?([AaPp][Mm])?$/;
const OFFSET = /^(?:GMT|UTC?|Z)?([+-])(\d{1,2}):?(\d{2})?$/i;

/** The pieces of a date, in whatever order they come. */
class Found {
  #day = 0;
  #month = 0;
  #year: number | null = null;
  #time: readonly [hour: number, minute: number, second: number] | null = null;
  #offset: number | null = null;
  #broken = false;

  take(word: string): void {
    const dashed = DASHED.exec(word);
    if (dashed) {
      const [, day = "", name = "", year = ""] = dashed;
      this.#takeNumber(day);
      this.#takeName(name);
      this.#takeNumber(year);
      return;
    }
    const time = this.#time === null ? TIME.exec(word) : null;
    const offset = this.#time === null ? null : OFFSET.exec(word);
    if (time) this.#takeTime(time);
    else if (offset) this.#takeOffset(offset);
    else if (/^\d{1,4}\.?$/.test(word)) this.#takeNumber(word);
    else this.#takeName(word);
  }

  date(): Date | null {
    if (this.#broken || this.#year === null || this.#day === 0 || this.#month === 0) return null;
    const [hour, minute, second] = this.#time ?? [0, 0, 0];
    return moment([this.#year, this.#month, this.#day, hour, minute, second], this.#offset ?? 0);
  }

  #takeNumber(word: string): void {
    const value = parseInt(word, 10);
    if (this.#day === 0 && word.length <= 2) {
      this.#day = value;
      this.#broken = value < 1 || value > 31;
    } else if (this.#year === null) this.#year = fullYear(value, word.length);
  }

  #takeName(word: string): void {
    const upper = word.toUpperCase();
    if (this.#time === null) this.#month ||= MONTH_NUMBER.get(word.slice(0, 3).toLowerCase()) ?? 0;
    else if (upper === "AM" || upper === "PM") this.#halfDay(upper);
    else this.#offset ??= ZONES.get(upper) ?? null;
  }

  #takeTime([, hour = "", minute = "", second = "0", half]: RegExpExecArray): void {
    this.#time = [Number(hour), Number(minute), Number(second)];
    if (half !== undefined) this.#halfDay(half.toUpperCase());
  }

  #halfDay(half: string): void {
    const [hour, minute, second] = this.#time ?? [0, 0, 0];
    if (hour < 1 || hour > 12) return; // QUIRK: "14:00 PM"
    this.#time = [hour % 12 + (half === "PM" ? 12 : 0), minute, second];
  }

  #takeOffset([, sign, hours = "0", minutes = "0"]: RegExpExecArray): void {
    const east = Number(hours) * 60 + Number(minutes);
    this.#offset = sign === "-" ? -east : east;
  }
}

/** RFC 5322 §4.3: two and three digits. */
function fullYear(value: number, digits: number): number {
  if (digits >= 4) return value;
  if (digits === 3) return value + 1900;
  return value < 50 ? value + 2000 : value + 1900;
}

function fromIso(
  [, y, mo, d, h = "0", mi = "0", s = "0", zone = "Z"]: RegExpExecArray,
): Date | null {
  const [, sign, hours = "0", minutes = "0"] = OFFSET.exec(zone) ?? [];
  const east = sign === undefined ? 0 : Number(hours) * 60 + Number(minutes);
  const fields = [Number(y), Number(mo), Number(d), Number(h), Number(mi), Number(s)] as const;
  return moment(fields, sign === "-" ? -east : east);
}

type Fields = readonly [
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
];

/** The moment of those clock readings at an offset in minutes; null when there is no such. */
function moment([year, month, day, hour, minute, second]: Fields, offset: number): Date | null {
  if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12) return null;
  // RFC 5322 §3.3: 60 is a leap second. RFC 5322 allows ±9959, clocks exist to ±14:00.
  if (hour > 23 || minute > 59 || second > 60) return null;
  if (Math.abs(offset) >= OFFSET_MINUTES_MAX) return null;
  const midnight = new Date(Date.UTC(year, month - 1, day));
  if (midnight.getUTCDate() !== day || midnight.getUTCMonth() !== month - 1) return null;
  return new Date(midnight.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1_000);
}

const OFFSET_MINUTES_MAX = 24 * 60;

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function month(date: Date): string {
  return MONTHS[date.getUTCMonth()] ?? "";
}

/** RFC 3501 §9: date-year is 4DIGIT. */
function year(date: Date): string {
  return String(Math.min(Math.max(date.getUTCFullYear(), 0), YEAR_MAX)).padStart(4, "0");
}

function clock(date: Date): string {
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}
