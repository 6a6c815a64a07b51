import { concat, fromBinary, toBinary } from "../../lib/bytes.ts";
import { STATUS_FIELDS } from "./mbox_index.ts";

/** How "From " at the beginning of a line is told from the beginning of a message. */
export type Quoting = "mboxrd" | "mboxo" | "none";

const LF = 0x0a;
/** Octets of a line that decide; the rest goes along. */
const HEAD_MAX = 1_000;

/** What is done with a line, given its beginning: another beginning, or null to leave it out. */
type Change = (head: string) => string | null;

/** Lines that are changed at their beginnings, wherever blocks end. */
class ChangedLines {
  readonly #change: Change;
  #head: Uint8Array[] = [];
  #headBytes = 0;
  /** The beginning of this line is decided: what is done with the rest. */
  #rest: "undecided" | "keep" | "drop" = "undecided";

  constructor(change: Change) {
    this.#change = change;
  }

  push(block: Uint8Array): Uint8Array {
    const out: Uint8Array[] = [];
    for (let from = 0; from < block.length;) {
      const lf = block.indexOf(LF, from);
      const end = lf < 0 ? block.length : lf + 1;
      const piece = block.subarray(from, end);
      if (this.#rest === "keep") out.push(piece);
      if (this.#rest === "undecided") {
        // WHY a copy: the block is its owner's again before the line may end.
        this.#head.push(lf < 0 ? piece.slice() : piece);
        this.#headBytes += piece.length;
        if (lf >= 0 || this.#headBytes >= HEAD_MAX) this.#decide(out);
      }
      if (lf >= 0) this.#rest = "undecided";
      from = end;
    }
    return concat(out);
  }

  end(): Uint8Array {
    const out: Uint8Array[] = [];
    if (this.#headBytes > 0) this.#decide(out);
    return concat(out);
  }

  #decide(out: Uint8Array[]): void {
    const line = concat(this.#head);
    this.#head = [];
    this.#headBytes = 0;
    const head = toBinary(line.subarray(0, HEAD_MAX));
    const changed = this.#change(head);
    this.#rest = changed === null ? "drop" : "keep";
    if (changed === null) return;
    if (changed === head) out.push(line);
    else out.push(fromBinary(changed), line.subarray(head.length));
  }
}

/** A message as it stands in an mbox file, made what it was: without status fields and quoting. */
export function mboxDecoder(
  quoting: Quoting,
): { push(b: Uint8Array): Uint8Array; end(): Uint8Array } {
  let inHeader = true;
  let isDropped = false;
  return new ChangedLines((line) => {
    if (inHeader) {
      inHeader = !/^\r?\n?$/.test(line);
      if (!/^[ \t]/.test(line)) isDropped = STATUS_FIELDS.has(nameOf(line));
      if (inHeader && isDropped) return null;
    }
    if (quoting === "mboxrd") return line.replace(/^>(?=>*From )/, "");
    return quoting === "mboxo" ? line.replace(/^>(?=From )/, "") : line;
  });
}

/** The opposite for lines that end in LF: mboxrd, which can be undone exactly. */
export function mboxEncoder(): { push(block: Uint8Array): Uint8Array; end(): Uint8Array } {
  return new ChangedLines((line) => /^>*From /.test(line) ? `>${line}` : line);
}

function nameOf(line: string): string {
  return line.slice(0, Math.max(line.indexOf(":"), 0)).trim().toLowerCase();
}
