import { Buffer } from "node:buffer";
import { Socket } from "node:net";

/** A chunk as `node:stream` hands it on. */
interface Chunk {
  readonly chunk: Uint8Array | string;
  readonly encoding: BufferEncoding;
}

/**
 * A socket that sends what was written together (`cork`) in one piece. See ADR 10.
 *
 * WHY: on a local socket Deno makes a system call of each chunk, and the driver writes five of them for a
 * statement, each of which wakes the database.
 */
export class GatheringSocket extends Socket {
  /** For `node:stream`. */
  override _writev(chunks: Chunk[], callback: (error?: Error | null) => void): void {
    const pieces = chunks.map(({ chunk, encoding }) =>
      typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk
    );
    this._write(Buffer.concat(pieces), "buffer" as BufferEncoding, callback);
  }
}
