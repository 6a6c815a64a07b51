import type { Blobs, ObjectKey } from "../../blobs/blobs.ts";
import { readPieces } from "../../blobs/read_pieces.ts";
import { unavailable } from "../../lib/refused.ts";
import type { Part } from "../../message/part.ts";
import { locateSection, type Location, type Section } from "../../message/section.ts";
import { decodeStructure } from "../../message/structure_codec.ts";
import type { MessageRow } from "../../store/messages.ts";

/** WHY: below it a body is read whole, which also checks its hash. */
const WHOLE_BYTES_MAX = 64 * 1024;

/** One message as it is stored: its row, and its octets from there or from its body. */
export class StoredMessage {
  readonly #blobs: Blobs;
  #root: Part | undefined;
  #whole: Promise<Uint8Array> | undefined;
  #rangedBytes = 0;

  /** `row.structure` must be there when the MIME tree is asked for. */
  constructor(readonly row: MessageRow, blobs: Blobs) {
    this.#blobs = blobs;
  }

  /** The MIME tree. */
  get root(): Part {
    return this.#root ??= decodeStructure(this.row.structure ?? "");
  }

  /** Where a section lies; null when the message has no such part. */
  locate(section: Section): Location | null {
    const root = needsStructure(section) ? this.root : rootOnly;
    return locateSection(root, section, this.row.headerBytes, this.row.sizeBytes);
  }

  /** The header block. */
  header(): Promise<Uint8Array> {
    return this.slice(0, this.row.headerBytes);
  }

  /** Octets [start, end); throws `unavailable` when they cannot be had, never fewer. */
  async slice(start: number, end: number): Promise<Uint8Array> {
    const { header, headerBytes, sizeBytes } = this.row;
    if (header?.length === headerBytes && end <= headerBytes) return header.subarray(start, end);
    if (this.#whole) return (await this.#whole).subarray(start, end);
    // WHY: half a message or more, even bit by bit, is worth the hash check of a whole one.
    this.#rangedBytes += end - start;
    if (sizeBytes > WHOLE_BYTES_MAX && this.#rangedBytes < sizeBytes / 2) {
      const piece = await this.#blobs.range(this.row.objectKey as ObjectKey, start, end);
      return this.#checked(piece, end - start);
    }
    return (await this.whole()).subarray(start, end);
  }

  /** All octets. */
  whole(): Promise<Uint8Array> {
    return this.#whole ??= this.#read();
  }

  /** Octets [start, end) piece by piece, each valid until the next is asked for: `readPieces`. */
  pieces(start: number, end: number): AsyncGenerator<Uint8Array> {
    const { objectKey, sizeBytes } = this.row;
    return readPieces(this.#blobs, objectKey as ObjectKey, { sizeBytes, start, end });
  }

  /** Throws `unavailable` unless the body is there in full length: ask before sending pieces. */
  async check(): Promise<void> {
    const sizeBytes = await this.#blobs.size(this.row.objectKey as ObjectKey);
    if (sizeBytes !== this.row.sizeBytes) throw this.#trouble(sizeBytes);
  }

  async #read(): Promise<Uint8Array> {
    const whole = await this.#blobs.get(this.row.objectKey as ObjectKey);
    return this.#checked(whole, this.row.sizeBytes);
  }

  #checked(octets: Uint8Array | null, length: number): Uint8Array {
    if (octets?.length === length) return octets;
    throw this.#trouble(octets?.length ?? null);
  }

  /** A missing or short body is trouble of ours: an empty literal would look like an empty mail. */
  #trouble(found: number | null): Error {
    const what = found === null ? "missing" : `wrong number of octets: ${found}`;
    return unavailable("bodies", new Error(`Cannot read ${this.row.objectKey}: ${what}`));
  }
}

/** True when the MIME tree is needed to find the section. */
export function needsStructure({ path }: Section): boolean {
  return path.length > 0;
}

/** True when the section lies in the header block, which is kept in the database. */
export function isInHeader({ path, text }: Section): boolean {
  return path.length === 0 && text !== null && text !== "TEXT";
}

/** Stands for a tree where only the whole message, its header or its text is meant. */
const rootOnly: Part = {
  type: "text",
  subtype: "plain",
  parameters: [],
  id: null,
  description: null,
  encoding: "7bit",
  md5: null,
  disposition: null,
  language: [],
  location: null,
  headerStart: 0,
  bodyStart: 0,
  bodyEnd: 0,
  lines: 0,
  children: [],
  message: null,
};
