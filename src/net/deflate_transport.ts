import { constants, deflateRawSync } from "node:zlib";
import { concat } from "../lib/bytes.ts";
import { Inflater } from "./inflater.ts";
import type { Transport } from "./transport.ts";

/** Octets that are compressed at once: WHY: some 2 ms of work at worst, and a window's worth twice. */
const DEFLATE_BYTES = 64 * 1024;
/** WHY: a third less work than zlib's own choice for a twentieth more octets. */
const LEVEL = 4;
/** Octets that a client may have sent compressed behind the command that ends compression. */
const LEFTOVER_BYTES_MAX = 64 * 1024;

/**
 * DEFLATE in both directions over another transport (RFC 1951, as RFC 4978 §3 wants it).
 *
 * WHY: each write is compressed for itself, by nothing that remembers the one before, and ends on a
 * whole octet (sync flush). That costs little, as long answers come in long writes, and a session
 * that idles holds no compressor, which would take 230 KB. What it holds is an inflater: 60 to 75 KB.
 * QUIRK: Deno 2.9: raw streams ignore `dictionary`, or else that could be put away meanwhile, too.
 */
export class DeflateTransport implements Transport {
  /** What the compressed octets go through. */
  readonly inner: Transport;
  readonly #inflater = new Inflater();
  /** Compressed octets that came, but have not been inflated. */
  #input: Uint8Array;
  /** Inflated octets that did not fit. */
  #output: Uint8Array = new Uint8Array(0);
  #lastFed: Uint8Array = new Uint8Array(0);
  /** How many octets of FLUSH_MARK the input read so far ends with. */
  #markMatched = 0;

  /** `prelude`: compressed octets that have been read already. */
  constructor(inner: Transport, prelude: Uint8Array) {
    this.inner = inner;
    this.#input = prelude;
  }

  async read(p: Uint8Array): Promise<number | null> {
    for (;;) {
      if (this.#output.length > 0) {
        const n = Math.min(p.length, this.#output.length);
        p.set(this.#output.subarray(0, n));
        this.#output = this.#output.subarray(n);
        return n;
      }
      const next = await this.#inflater.next();
      if (next === "ended") return null;
      if (next !== "hungry") this.#output = next;
      else if (this.#input.length > 0) this.#feed();
      else {
        const n = await this.inner.read(p);
        if (n === null) return null;
        this.#input = p.slice(0, n);
      }
    }
  }

  async write(p: Uint8Array): Promise<number> {
    const part = p.subarray(0, DEFLATE_BYTES);
    const flush = { level: LEVEL, finishFlush: constants.Z_SYNC_FLUSH };
    await this.#writeAll(deflateRawSync(part, flush));
    return part.length;
  }

  async closeWrite(): Promise<void> {
    await this.#writeAll(LAST_BLOCK);
    await this.inner.closeWrite();
  }

  close(): void {
    this.#inflater.close();
    this.inner.close();
  }

  /**
   * Ends the client's stream where the octets end that were read (RFC 8437 §4.1). Gives what has been
   * read ahead: it is not compressed any more. Nothing may be read here afterwards.
   */
  async leave(): Promise<Uint8Array> {
    const pieces = [this.#output];
    let bytes = 0;
    for (;;) {
      const next = await this.#inflater.next();
      if (typeof next === "string") break;
      pieces.push(next);
      bytes += next.length;
      if (bytes > LEFTOVER_BYTES_MAX) throw new Error("Cannot end compression amid much input");
    }
    const { beyondEndBytes } = this.#inflater;
    if (beyondEndBytes > 0) pieces.push(this.#lastFed.subarray(-beyondEndBytes));
    pieces.push(this.#input);
    this.#inflater.close();
    return concat(pieces);
  }

  /** WHY: up to the next flush at most, as what follows it may be compressed no longer. */
  #feed(): void {
    let end = 0;
    while (end < this.#input.length && this.#markMatched < FLUSH_MARK.length) {
      this.#markMatched = matched(this.#markMatched, this.#input[end++] ?? 0);
    }
    if (this.#markMatched === FLUSH_MARK.length) this.#markMatched = 0;
    this.#lastFed = this.#input.subarray(0, end);
    this.#input = this.#input.subarray(end);
    this.#inflater.feed(this.#lastFed);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.inner.write(bytes.subarray(at));
  }
}

/** RFC 1951 §3.2.6: a block without content, the last one; after a flush it is whole octets. */
const LAST_BLOCK = Uint8Array.of(0x03, 0x00);
/** RFC 1951 §3.2.4: the empty stored block that a sync flush ends with. */
const FLUSH_MARK = [0x00, 0x00, 0xff, 0xff] as const;

/** How much of FLUSH_MARK is matched after one octet more. */
function matched(before: number, octet: number): number {
  if (octet === FLUSH_MARK[before]) return before + 1;
  if (octet !== 0) return 0;
  return before === 2 ? 2 : 1;
}
