const CR = 13;
const LF = 10;
const DOT = 46;
const HELD_CR: Uint8Array = Uint8Array.of(CR);

/** Where in a line the decoder is. */
type At = "text" | "cr" | "line-start" | "dot" | "dot-cr";

/** What a block of DATA held. */
export interface Decoded {
  /** The message's octets in it, as views of the block. */
  readonly pieces: readonly Uint8Array[];
  /** Octets of the block up to and with the final CRLF; -1 when the message goes on. */
  readonly end: number;
}

/**
 * RFC 5321 §4.5.2: takes the stuffed dots out of DATA and finds its end.
 *
 * Only CRLF "." CRLF ends a message, and only a dot behind CRLF is a stuffed one. A bare CR or LF is
 * content and stays as it is: refusing it would lose real mail, and since nothing but the true end
 * is ever taken for one, nothing can be smuggled in. The CRLF in front of the final dot belongs to
 * the message.
 */
export class DotDecoder {
  #at: At = "line-start";

  /** Decodes the next block; nothing may be pushed behind the end. */
  push(block: Uint8Array): Decoded {
    const pieces: Uint8Array[] = [];
    let from = 0;
    if (this.#at === "dot-cr" && block.length > 0 && block[0] !== LF) pieces.push(HELD_CR);
    for (let i = 0; i < block.length; i++) {
      if (this.#at === "text") {
        i = block.indexOf(CR, i);
        if (i < 0) break;
      }
      const octet = block[i];
      if (this.#at === "dot-cr" && octet === LF) return { pieces, end: i + 1 };
      this.#at = next(this.#at, octet);
      if (this.#at === "dot") {
        if (i > from) pieces.push(block.subarray(from, i));
        from = i + 1;
      }
    }
    // WHY: a CR behind a line's first dot is half of the end or content: the next block decides.
    const to = this.#at === "dot-cr" ? block.length - 1 : block.length;
    if (from < to) pieces.push(block.subarray(from, to));
    return { pieces, end: -1 };
  }
}

function next(at: At, octet: number | undefined): At {
  if (at === "line-start" && octet === DOT) return "dot";
  if (octet === CR) return at === "dot" ? "dot-cr" : "cr";
  return octet === LF && at === "cr" ? "line-start" : "text";
}
