import { toBinary } from "../lib/bytes.ts";
import type { Steps } from "../lib/steps.ts";
import { decodeWords } from "./encoded_words.ts";
import { foldCaseInSteps } from "./fold_case.ts";
import type { Part } from "./part.ts";
import { type BodyReader, describedText, extractedText, preview, utf8Prefix } from "./text.ts";

/** The folded text of one message, as the index keeps it. */
export interface SearchText {
  /** What BODY looks into. */
  readonly body: string;
  /** What TEXT looks into besides: the header, and what describes the parts. */
  readonly rest: string;
  /** RFC 8970, not folded; null: not known. */
  readonly preview: string | null;
  /** Something did not fit. */
  readonly truncated: boolean;
}

/** Octets, or lines, of a header between two pauses. */
const OCTETS_PER_STEP = 32 * 1024;
const LINES_PER_STEP = 500;

/** The header block as people read it: one line per field, encoded words decoded. */
export function* headerText(header: Uint8Array): Steps<string> {
  const text = toBinary(header);
  const decoded: string[] = [];
  let lines: string[] = [];
  let field = "";
  let work = 0;
  for (let at = 0; at < text.length;) {
    const lf = text.indexOf("\n", at);
    const end = lf < 0 ? text.length : lf - (text[lf - 1] === "\r" ? 1 : 0);
    // WHY: a field that is longer than any that people read is decoded in pieces.
    const isCut = field.length + end - at > OCTETS_PER_STEP;
    const to = isCut ? at + OCTETS_PER_STEP - field.length : end;
    field += text.slice(at, Math.max(to, at));
    at = isCut ? to : lf < 0 ? text.length : lf + 1;
    const goesOn = isCut || text[at] === " " || text[at] === "\t";
    if (isCut || !goesOn) {
      lines.push(decodeWords(field), goesOn ? "" : "\n");
      work += field.length;
      field = "";
    }
    work += OCTETS_PER_STEP / LINES_PER_STEP;
    if (work < OCTETS_PER_STEP) continue;
    decoded.push(lines.join(""));
    lines = [];
    work = 0;
    yield;
  }
  decoded.push(lines.join(""), decodeWords(field));
  return decoded.join("");
}

/** Everything that can be searched, each text at most `limitBytes`. NUL free, well-formed. */
export function* searchText(
  { root, header, body, limitBytes }: {
    readonly root: Part;
    readonly header: Uint8Array;
    readonly body: BodyReader;
    readonly limitBytes: number;
  },
): Steps<SearchText> {
  const head = yield* headerText(header.subarray(0, limitBytes));
  const described = describedText(root, { limitBytes });
  yield;
  const extracted = yield* extractedText(root, body, { limitBytes });
  yield;
  const rest = clean(yield* foldCaseInSteps(`${head}\n${described.text}`));
  yield;
  const folded = clean(yield* foldCaseInSteps(extracted.text));
  const kept = { body: utf8Prefix(folded, limitBytes), rest: utf8Prefix(rest, limitBytes) };
  const isWhole = kept.body.length === folded.length && kept.rest.length === rest.length &&
    header.length <= limitBytes && described.isWhole && extracted.isWhole;
  yield;
  return { ...kept, preview: preview(root, body), truncated: !isWhole };
}

/** What PostgreSQL takes as text. */
function clean(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}
