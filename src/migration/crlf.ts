import { concat } from "../lib/bytes.ts";

const CR = 0x0d;
const LF = 0x0a;

/**
 * Text whose lines end in LF or CRLF, piece by piece, with CRLF throughout (RFC 5322 §2.3): what IMAP
 * servers do with files of a Maildir. A piece without a bare LF is given back as it is.
 */
export class CrlfLines {
  #endsInCr = false;

  /** The next piece; the result may be the piece itself. */
  push(piece: Uint8Array): Uint8Array {
    const bare = this.#bareLines(piece);
    this.#endsInCr = piece.length > 0 ? piece.at(-1) === CR : this.#endsInCr;
    if (bare.length === 0) return piece;
    const lines = new Uint8Array(piece.length + bare.length);
    let from = 0;
    let to = 0;
    for (const at of bare) {
      lines.set(piece.subarray(from, at), to);
      to += at - from;
      lines[to++] = CR;
      from = at;
    }
    lines.set(piece.subarray(from), to);
    return lines;
  }

  /** Where an LF stands without a CR in front. */
  #bareLines(piece: Uint8Array): number[] {
    const bare: number[] = [];
    for (let at = piece.indexOf(LF); at >= 0; at = piece.indexOf(LF, at + 1)) {
      const follows = at === 0 ? this.#endsInCr : piece[at - 1] === CR;
      if (!follows) bare.push(at);
    }
    return bare;
  }
}

/** The opposite: every CRLF becomes LF, as files of a Maildir have it. */
export class LfLines {
  #endsInCr = false;

  /** The next piece; a CR at its end waits for the next one. */
  push(piece: Uint8Array): Uint8Array {
    const text = this.#endsInCr ? concat([Uint8Array.of(CR), piece]) : piece;
    this.#endsInCr = text.at(-1) === CR;
    const end = this.#endsInCr ? text.length - 1 : text.length;
    const lines = new Uint8Array(end);
    let from = 0;
    let to = 0;
    for (let at = text.indexOf(LF); at >= 0; at = text.indexOf(LF, at + 1)) {
      if (at === 0 || text[at - 1] !== CR) continue;
      lines.set(text.subarray(from, at - 1), to);
      to += at - 1 - from;
      from = at;
    }
    lines.set(text.subarray(from, end), to);
    return lines.subarray(0, to + end - from);
  }

  /** What is left at the end. */
  end(): Uint8Array {
    return this.#endsInCr ? Uint8Array.of(CR) : new Uint8Array(0);
  }
}
