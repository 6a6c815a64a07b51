import { concat } from "../lib/bytes.ts";
import type { Hash } from "../lib/ids.ts";
import { MemorySpooled } from "./spooled.ts";
import type { Spooled } from "./spool.ts";

/** Octets that are made while they are read, the same ones however often. */
export interface Source {
  readonly sizeBytes: number;
  /** As `Spooled.keepsChunks`. */
  readonly keepsChunks?: boolean;
  chunks(): AsyncIterable<Uint8Array>;
}

/** Bodies up to this size are made at once: they can then be sent again without being made again. */
const MEMORY_MAX_BYTES = 1024 * 1024;

/**
 * What a storage can be given to put, from octets that are no message on its way in. `hash` is "": whoever
 * needs it has to read them.
 */
export async function spooledFrom(source: Source): Promise<Spooled> {
  const { sizeBytes } = source;
  if (sizeBytes <= MEMORY_MAX_BYTES) {
    const pieces: Uint8Array[] = [];
    for await (const piece of source.chunks()) pieces.push(piece.slice());
    const bytes = concat(pieces);
    return new MemorySpooled({ ...unknown, bytes, prefixBytes: 0 });
  }
  return {
    ...unknown,
    sizeBytes,
    bytes: null,
    path: null,
    keepsChunks: source.keepsChunks ?? false,
    chunks: () => source.chunks(),
    withPrefix: () => Promise.reject(new Error("Cannot put a prefix in front of a stored body")),
    discard: async () => {},
  };
}

const unknown = { hash: "" as Hash, receivedHash: "" as Hash };
