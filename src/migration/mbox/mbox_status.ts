import { NUMBER_MAX } from "../../lib/ids.ts";
import { parseDate } from "../../message/date.ts";
import { FLAG } from "../../store/flags.ts";
import type { MboxEntry } from "./mbox_index.ts";

/** What the fields of mbox programs say of a message. */
export interface MboxStatus {
  /** Bits of FLAG. */
  readonly flags: number;
  readonly keywords: readonly string[];
  /** `X-UID`. */
  readonly uid: number | null;
}

const LETTERS: readonly (readonly [field: string, letter: string, bit: number])[] = [
  ["status", "R", FLAG.seen],
  ["x-status", "A", FLAG.answered],
  ["x-status", "F", FLAG.flagged],
  ["x-status", "D", FLAG.deleted],
  ["x-status", "T", FLAG.draft],
];
/** Of Thunderbird's `X-Mozilla-Status`, in hexadecimal digits. */
const MOZILLA: readonly (readonly [mask: number, bit: number])[] = [
  [0x0001, FLAG.seen],
  [0x0002, FLAG.answered],
  [0x0004, FLAG.flagged],
  [0x0008, FLAG.deleted],
];
const MOZILLA_FORWARDED = 0x1000;

/** Reads them; total. */
export function mboxStatus({ fields }: Pick<MboxEntry, "fields">): MboxStatus {
  let flags = 0;
  for (const [field, letter, bit] of LETTERS) {
    if (fields.get(field)?.includes(letter)) flags |= bit;
  }
  const mozilla = parseInt(
    /^[0-9a-f]{4}$/i.exec(fields.get("x-mozilla-status") ?? "")?.[0] ?? "0",
    16,
  );
  for (const [mask, bit] of MOZILLA) if (mozilla & mask) flags |= bit;
  const keywords = [fields.get("x-keywords"), fields.get("x-mozilla-keys")]
    .flatMap((text) => text?.split(/\s+/) ?? []).filter((keyword) => keyword !== "");
  if (mozilla & MOZILLA_FORWARDED) keywords.push("$Forwarded");
  return { flags, keywords, uid: number(fields.get("x-uid")) };
}

/** The same as lines of a header. */
export function renderStatus({ flags, keywords, uid }: MboxStatus): string {
  const letters = (name: string) =>
    LETTERS.filter(([field, , bit]) => field === name && flags & bit).map(([, letter]) => letter)
      .join("");
  return [
    ...(uid === null ? [] : [`X-UID: ${uid}`]),
    // "O": no program shall take it for new.
    `Status: ${letters("status")}O`,
    ...(letters("x-status") === "" ? [] : [`X-Status: ${letters("x-status")}`]),
    ...(keywords.length === 0 ? [] : [`X-Keywords: ${keywords.join(" ")}`]),
    "",
  ].join("\n");
}

/** `X-IMAPbase: uidvalidity last-uid …`, as Dovecot and UW-IMAP write it into the first message. */
export function imapBase(
  entry: MboxEntry | undefined,
): { readonly uidValidity: number; readonly lastUid: number } | null {
  const text = entry?.fields.get("x-imapbase") ?? entry?.fields.get("x-imap") ?? "";
  const [validity, last] = text.split(/\s+/);
  const uidValidity = number(validity);
  return uidValidity === null ? null : { uidValidity, lastUid: number(last) ?? 0 };
}

/** When it came: the time of the "From " line (RFC 4155: UTC), or that of its Date field. */
export function mboxDate(
  { fromLine, fields }: Pick<MboxEntry, "fromLine" | "fields">,
): Date | null {
  const time = fromLine.replace(/^From +\S+ +/, "");
  return parseDate(time) ?? parseDate(fields.get("date") ?? "");
}

/** "Thu Jan  1 00:00:00 2026", in UTC. */
export function renderFromTime(date: Date): string {
  const [weekday, day = "", month, year, time] = date.toUTCString().replace(",", "").split(" ");
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`;
}

function number(text: string | undefined): number | null {
  const value = text !== undefined && /^\d{1,10}$/.test(text.trim()) ? Number(text) : 0;
  return value >= 1 && value <= NUMBER_MAX ? value : null;
}
