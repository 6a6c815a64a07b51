import type { PartBuilder } from "./part_builder.ts";

/** A delimiter line that was recognised. */
export interface Delimiter {
  readonly multipart: PartBuilder;
  /** `--boundary--`: no more parts follow. */
  readonly closes: boolean;
}

/**
 * The delimiters of the multiparts that are open, found in one lookup each, so that a hundred open
 * levels cost no more than one. Of equal boundaries the innermost counts, until it is removed.
 *
 * RFC 2046 §5.1.1: delimiter := dash-boundary transport-padding. A line that goes on after the
 * boundary is another boundary (one may be the beginning of the other), or text.
 */
export class Boundaries {
  readonly #byLine = new Map<string, PartBuilder[]>();
  #size = 0;

  /** How many multiparts are open for new parts. */
  get size(): number {
    return this.#size;
  }

  add(multipart: PartBuilder): void {
    const line = `--${multipart.boundary}`;
    const same = this.#byLine.get(line);
    if (same) same.push(multipart);
    else this.#byLine.set(line, [multipart]);
    this.#size++;
  }

  /** Does nothing for a part that is not, or no longer, in it. */
  remove(part: PartBuilder): void {
    if (part.boundary === null) return;
    const line = `--${part.boundary}`;
    const same = this.#byLine.get(line);
    if (same?.at(-1) !== part) return;
    same.pop();
    this.#size--;
    if (same.length === 0) this.#byLine.delete(line);
  }

  /** What delimiter a line without its line end is. */
  find(line: string): Delimiter | null {
    let end = line.length;
    while (end > 0 && isPadding(line.charCodeAt(end - 1))) end--;
    const bare = line.slice(0, end);
    const opened = this.#byLine.get(bare)?.at(-1);
    const closed = bare.endsWith("--") ? this.#byLine.get(bare.slice(0, -2))?.at(-1) : undefined;
    if (closed && (!opened || closed.depth > opened.depth)) {
      return { multipart: closed, closes: true };
    }
    return opened ? { multipart: opened, closes: false } : null;
  }
}

/** transport-padding is LWSP; QUIRK: and CR, where a gateway made CR CR LF of CR LF. */
function isPadding(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d;
}
