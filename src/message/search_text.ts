import { toBinary } from "../lib/bytes.ts";
import type { Steps } from "../lib/steps.ts";
import { decodeWords } from "./encoded_words.ts";
import { foldCase } from "./fold_case.ts";
import type { Part } from "./part.ts";
import { type BodyReader, describedText, extractText, utf8Prefix } from "./text.ts";

/** The folded text of one message, as the index keeps it. */
export interface SearchText {
  /** What BODY looks into. */
  readonly body: string;
  /** What TEXT looks into besides: the header, and what describes the parts. */
  readonly rest: string;
  /** Something did not fit. */
  readonly truncated: boolean;
}

/** Lines of a header between two pauses. */
const LINES_PER_STEP = 500;

/** The header block as people read it: one line per field, encoded words decoded. */
export function* headerText(header: Uint8Array): Steps<string> {
  const lines = toBinary(header).replace(/\r?\n(?=[ \t])/g, "").split(/\r?\n/);
  const decoded: string[] = [];
  for (const [at, line] of lines.entries()) {
    decoded.push(decodeWords(line));
    if (at % LINES_PER_STEP === 0) yield;
  }
  return decoded.join("\n");
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
  const text = extractText(root, body, { limitBytes });
  yield;
  const rest = clean(foldCase(`${head}\n${described}`));
  yield;
  const folded = clean(foldCase(text));
  const kept = { body: utf8Prefix(folded, limitBytes), rest: utf8Prefix(rest, limitBytes) };
  // WHY the half: a text that filled what it may have cannot be told from one that was cut.
  const isWhole = kept.body.length === folded.length && kept.rest.length === rest.length &&
    header.length <= limitBytes && text.length <= limitBytes / 4;
  return { ...kept, truncated: !isWhole };
}

/** What PostgreSQL takes as text. */
function clean(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}
