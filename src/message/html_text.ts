import type { Steps } from "../lib/steps.ts";
import { decodeEntities } from "./html_entities.ts";

/** Characters, or pieces between tags, that are worked on between two pauses. */
const CHARS_PER_STEP = 32 * 1024;
const PIECES_PER_STEP = 2_000;

/**
 * The readable text of an HTML document: no markup, scripts, styles or title; block elements break
 * the line, inline elements do not. Linear and total: nothing is searched for twice.
 */
export function* htmlToText(html: string): Steps<string> {
  const plain = new PlainText();
  let quotesClose = true;
  let at = 0;
  while (at < html.length) {
    if (plain.isDue) yield* plain.work();
    const open = html.indexOf("<", at);
    if (open < 0) {
      plain.add(html.slice(at));
      break;
    }
    plain.add(html.slice(at, open));
    if (html.startsWith("<!--", open)) {
      const close = html.indexOf("-->", open + 4);
      if (close < 0) break;
      at = close + 3;
      continue;
    }
    TAG.lastIndex = open;
    const [tag, slash = "", name = ""] = TAG.exec(html) ?? [];
    if (tag === undefined) {
      plain.add("<"); // "a < b" is text
      at = open + 1;
      continue;
    }
    const quoted: number = quotesClose ? yield* tagEnd(html, open + tag.length) : -1;
    // WHY: one quote that is never closed would hide the rest of the document.
    quotesClose &&= quoted >= 0;
    const end = quoted >= 0 ? quoted : html.indexOf(">", open);
    if (end < 0) break;
    at = end + 1;
    const element = name.toLowerCase();
    if (slash === "" && HIDDEN.has(element)) at = yield* hiddenEnd(html, at, element);
    else if (!INLINE.has(element)) plain.add(BREAKING.has(element) ? "\n" : " ");
  }
  return yield* plain.text();
}

/** White space as one space, or as one line break if there was one in it. */
export function collapse(text: string): string {
  return collapsed(text).trim();
}

function collapsed(text: string): string {
  return text.replace(/\s+/g, (run) => run.includes("\n") ? "\n" : " ");
}

/** Text without tags on its way: references decoded, white space collapsed. */
class PlainText {
  #raw: string[] = [];
  #rawChars = 0;
  #pieces = 0;
  readonly #done: string[] = [];
  /** White space behind what is done. */
  #blank = "";

  add(piece: string): void {
    this.#pieces++;
    if (piece === "") return;
    this.#raw.push(piece);
    this.#rawChars += piece.length;
  }

  get isDue(): boolean {
    return this.#pieces >= PIECES_PER_STEP || this.#rawChars >= CHARS_PER_STEP;
  }

  /** Works on what was added, but for a reference at its end that may go on. */
  *work({ isAll = false } = {}): Steps<void> {
    const raw = this.#raw.join("");
    let at = 0;
    while (isAll ? at < raw.length : raw.length - at > REFERENCE_CHARS_MAX) {
      const end = Math.min(at + CHARS_PER_STEP, raw.length);
      const open = raw.indexOf("&", Math.max(at + 1, end - REFERENCE_CHARS_MAX));
      const cut = open >= 0 && open < end && !(isAll && end === raw.length) ? open : end;
      this.#take(collapsed(decodeEntities(raw.slice(at, cut))));
      at = cut;
      yield;
    }
    this.#raw = [raw.slice(at)];
    this.#rawChars = raw.length - at;
    this.#pieces = 0;
    yield;
  }

  *text(): Steps<string> {
    yield* this.work({ isAll: true });
    return this.#done.join("");
  }

  #take(text: string): void {
    const [lead] = /^\s/.exec(text) ?? [];
    if (lead !== undefined) this.#blank = this.#blank === "\n" ? "\n" : lead;
    const words = text.trim();
    if (words === "") return;
    if (this.#done.length > 0) this.#done.push(this.#blank);
    this.#done.push(words);
    [this.#blank] = /\s$/.exec(text) ?? [""];
  }
}

/** Of a reference: `&thetasym;` and longer names that nobody knows. */
const REFERENCE_CHARS_MAX = 12;

const TAG = /<([/!?]?)([A-Za-z][A-Za-z0-9:-]{0,63})?(?<=[/!?A-Za-z0-9:-])/y;

const HIDDEN: ReadonlySet<string> = new Set(["script", "style", "title", "template"]);
const INLINE: ReadonlySet<string> = new Set(
  ("a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd label mark nobr o:p q s samp " +
    "small span strike strong sub sup tt u var wbr").split(" "),
);
const BREAKING: ReadonlySet<string> = new Set(
  ("address article aside blockquote body br center dd div dl dt fieldset figure footer form h1 h2 " +
    "h3 h4 h5 h6 head header hr html li main nav ol p pre section table tbody tfoot thead tr ul")
    .split(" "),
);

/** The `>` of a tag, quoted attribute values skipped; -1 when a quote or the tag never ends. */
function* tagEnd(html: string, from: number): Steps<number> {
  let at = from;
  for (let quotes = 1;; quotes++) {
    TAG_STOP.lastIndex = at;
    const stop = TAG_STOP.exec(html);
    if (!stop) return -1;
    if (stop[0] === ">") return stop.index;
    const close = html.indexOf(stop[0], stop.index + 1);
    if (close < 0) return -1;
    at = close + 1;
    if (quotes % PIECES_PER_STEP === 0) yield;
  }
}

const TAG_STOP = /[>"']/g;

/** Behind the end tag of an element whose content is not text; the end of the document without. */
function* hiddenEnd(html: string, from: number, element: string): Steps<number> {
  const endTag = `</${element}`;
  let at = from;
  for (let tags = 1;; tags++) {
    const found = html.indexOf("</", at);
    if (found < 0) return html.length;
    at = found + 2;
    if (html.slice(found, found + endTag.length).toLowerCase() === endTag) {
      const close = html.indexOf(">", found);
      return close < 0 ? html.length : close + 1;
    }
    if (tags % PIECES_PER_STEP === 0) yield;
  }
}
