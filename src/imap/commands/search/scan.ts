import { atOnce } from "../../../lib/steps.ts";
import { foldCase } from "../../../message/fold_case.ts";
import { parseDate } from "../../../message/date.ts";
import { decodeWords } from "../../../message/encoded_words.ts";
import { Header } from "../../../message/header.ts";
import { headerText } from "../../../message/search_text.ts";
import { extractText, searchableText } from "../../../message/text.ts";
import type { DateRange } from "../../../store/search_condition.ts";
import type { StoredMessage } from "../../view/stored_message.ts";
import type { Scan } from "./key.ts";

/**
 * Decoded text of one message that is searched. WHY: more holds the event loop for longer than
 * anybody may, and no text that people write or receive is as long.
 */
const TEXT_BYTES_MAX = 4 * 1024 * 1024;

/** One message as keys look at it; each form of it is made once, when the first key wants it. */
export class Scanned {
  readonly #header: Uint8Array;
  readonly #whole: Uint8Array | null;
  readonly #message: StoredMessage;
  #fields: Header | undefined;
  #body: string | undefined;
  #all: string | undefined;

  private constructor(message: StoredMessage, header: Uint8Array, whole: Uint8Array | null) {
    this.#message = message;
    this.#header = header;
    this.#whole = whole;
  }

  /** Reads what is needed: the header, or all of the message. */
  static async read(message: StoredMessage, needs: "header" | "whole"): Promise<Scanned> {
    const whole = needs === "whole" ? await message.whole() : null;
    const header = whole?.subarray(0, message.row.headerBytes) ?? await message.header();
    return new Scanned(message, header, whole);
  }

  /** Does the key match? */
  matches(key: Scan): boolean {
    switch (key.kind) {
      case "field":
        return this.#field(key.name, key.needle);
      case "sentDay":
        return isWithin(sentDay(this.#parsed.get("date") ?? ""), key.range);
      case "text":
        return (key.where === "body" ? this.#bodyText : this.#allText).includes(key.needle);
    }
  }

  get #parsed(): Header {
    return this.#fields ??= Header.parse(this.#header);
  }

  get #bodyText(): string {
    return this.#body ??= foldCase(this.#text(extractText));
  }

  get #allText(): string {
    return this.#all ??= foldCase(
      `${atOnce(headerText(this.#header))}\n${this.#text(searchableText)}`,
    );
  }

  #field(name: string, needle: string): boolean {
    return this.#parsed.all(name).some((body) => foldCase(decodeWords(body)).includes(needle));
  }

  #text(extract: typeof extractText): string {
    const whole = this.#whole ?? new Uint8Array(0);
    const { headerBytes } = this.#message.row;
    const body = (start: number, end: number) =>
      whole.subarray(headerBytes + start, headerBytes + end);
    return extract(this.#message.root, body, { limitBytes: TEXT_BYTES_MAX });
  }
}

const MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec";
// RFC 5322 §3.3 and §4.3: day, month, year of four digits or of two.
const DAY = /(?:^|[\s,])(\d{1,2})[\s-]+([a-z]{3})[a-z]*[\s-]+(\d{4}|\d{2})(?=[\s,]|$)/i;

/** The day that a Date field names, as midnight UTC; NaN when it names none. */
function sentDay(field: string): number {
  const [, day, month = "", year] = DAY.exec(field) ?? [];
  const index = MONTHS.indexOf(month.toLowerCase());
  if (day === undefined || year === undefined || index < 0 || index % 3 !== 0) {
    return parseDate(field)?.setUTCHours(0, 0, 0, 0) ?? NaN;
  }
  // RFC 5322 §4.3: two digits below 50 are of this century.
  const full = year.length === 4 ? Number(year) : Number(year) + (Number(year) < 50 ? 2000 : 1900);
  return Date.UTC(full, index / 3, Number(day));
}

function isWithin(day: number, { from, before }: DateRange): boolean {
  return !Number.isNaN(day) && (!from || day >= from.getTime()) &&
    (!before || day < before.getTime());
}
