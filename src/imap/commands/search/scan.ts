import type { Steps } from "../../../lib/steps.ts";
import { containsText } from "../../../message/contains_text.ts";
import { foldCaseInSteps } from "../../../message/fold_case.ts";
import { parseDate } from "../../../message/date.ts";
import { decodeWords } from "../../../message/encoded_words.ts";
import { Header } from "../../../message/header.ts";
import { headerText } from "../../../message/search_text.ts";
import { extractText, searchableText } from "../../../message/text.ts";
import type { DateRange } from "../../../store/search_condition.ts";
import type { StoredMessage } from "../../view/stored_message.ts";
import type { Scan } from "./key.ts";

/**
 * Decoded text of one message that is searched. WHY: it is held in memory, and no text that people
 * write or receive is as long.
 */
const TEXT_BYTES_MAX = 4 * 1024 * 1024;

/** One message as keys look at it; each form of it is made once, when the first key wants it. */
export class Scanned {
  readonly #header: Uint8Array;
  readonly #whole: Uint8Array | null;
  readonly #message: StoredMessage;
  readonly #fields = new Map<string, readonly string[]>();
  #parsed: Header | undefined;
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
  *matches(key: Scan): Steps<boolean> {
    switch (key.kind) {
      case "field":
        for (const field of yield* this.#field(key.name)) {
          if (yield* containsText(field, key.needle)) return true;
        }
        return false;
      case "sentDay":
        return isWithin(sentDay(this.#head.get("date") ?? ""), key.range);
      case "text": {
        const text = key.where === "body" ? yield* this.#bodyText() : yield* this.#allText();
        return yield* containsText(text, key.needle);
      }
    }
  }

  get #head(): Header {
    return this.#parsed ??= Header.parse(this.#header);
  }

  *#bodyText(): Steps<string> {
    return this.#body ??= yield* foldCaseInSteps(yield* this.#text(extractText));
  }

  *#allText(): Steps<string> {
    if (this.#all !== undefined) return this.#all;
    const head = yield* headerText(this.#header);
    const text = yield* this.#text(searchableText);
    return this.#all = yield* foldCaseInSteps(`${head}\n${text}`);
  }

  /** The bodies of all fields of that name. */
  *#field(name: string): Steps<readonly string[]> {
    const known = this.#fields.get(name);
    if (known) return known;
    const bodies: string[] = [];
    for (const body of this.#head.all(name)) {
      bodies.push(yield* foldCaseInSteps(decodeWords(body)));
      yield;
    }
    this.#fields.set(name, bodies);
    return bodies;
  }

  #text(extract: typeof extractText): Steps<string> {
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
