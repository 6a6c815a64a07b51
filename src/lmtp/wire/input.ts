import { toBinary } from "../../lib/bytes.ts";
import type { Connection } from "../../net/connection.ts";

/**
 * RFC 5321 §4.5.3.1.4 asks for 512, and each extension for a little more; UTF-8 addresses and
 * source routes fit as well.
 */
const LINE_BYTES_MAX = 4096;
/** WHY: an endless line is read away for so long that a client which is only wrong gets its reply. */
const DISCARD_BYTES_MAX = 1024 * 1024;

const CR = 13;
const LF = 10;

/** A command line, or what is wrong with it. */
export type Line =
  | { readonly text: string }
  | { readonly fault: "too-long" | "bare-line-end" | "nul" | "endless" };

/** The client's octets, as lines and as blocks. One caller at a time. */
export class Input {
  readonly #connection: Connection;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** True while octets are here that nobody has asked for: the client pipelines (RFC 2920). */
  get isAhead(): boolean {
    return this.#at < this.#bytes.length;
  }

  /**
   * The next line without its CRLF, as a binary string; null at EOF. RFC 5321 §2.3.8: only CRLF ends
   * a line; a line with a bare CR or LF in it is a fault. `onPartial` is called when a line has
   * begun and its end is still to come.
   */
  async line(onPartial: () => void): Promise<Line | null> {
    let text = "";
    let length = 0;
    for (;;) {
      if (this.#at >= this.#bytes.length) {
        if (length > 0) onPartial();
        if (!await this.#fill()) return null;
      }
      const end = this.#bytes.indexOf(LF, this.#at);
      const piece = this.#bytes.subarray(this.#at, end < 0 ? this.#bytes.length : end + 1);
      this.#at += piece.length;
      length += piece.length;
      if (length <= LINE_BYTES_MAX) text += toBinary(piece);
      if (end >= 0) return length > LINE_BYTES_MAX ? { fault: "too-long" } : check(text);
      if (length > DISCARD_BYTES_MAX) return { fault: "endless" };
    }
  }

  /** The next octets, at least one and at most `max`; null at EOF. Valid until the next call. */
  async block(max: number): Promise<Uint8Array | null> {
    if (this.#at >= this.#bytes.length && !await this.#fill()) return null;
    const block = this.#bytes.subarray(this.#at, Math.min(this.#bytes.length, this.#at + max));
    this.#at += block.length;
    return block;
  }

  /** Gives the last octets of the last block back. */
  putBack(count: number): void {
    this.#at -= count;
  }

  async #fill(): Promise<boolean> {
    const bytes = await this.#connection.read();
    this.#bytes = bytes ?? new Uint8Array(0);
    this.#at = 0;
    return bytes !== null;
  }
}

function check(line: string): Line {
  const text = line.slice(0, -2);
  // WHY: what one program takes for a line end and another does not is how mail is smuggled.
  if (line.charCodeAt(line.length - 2) !== CR || /[\r\n]/.test(text)) {
    return { fault: "bare-line-end" };
  }
  return text.includes("\0") ? { fault: "nul" } : { text };
}
