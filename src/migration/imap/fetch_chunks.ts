import type { SourceMessage } from "../source.ts";

/** Messages of one FETCH. */
const CHUNK_MAX = 200;
/** Octets of one FETCH, unless a single message has more. */
const CHUNK_BYTES_MAX = 4 * 1024 * 1024;

/** Parts of a list, in its order, that one FETCH each asks for. */
export function fetchChunks<T extends Pick<SourceMessage, "sizeBytes">>(
  messages: readonly T[],
): T[][] {
  const chunks: T[][] = [];
  let chunk: T[] = [];
  let octets = 0;
  for (const message of messages) {
    const more = message.sizeBytes ?? 0;
    if (chunk.length >= CHUNK_MAX || chunk.length > 0 && octets + more > CHUNK_BYTES_MAX) {
      chunks.push(chunk);
      chunk = [];
      octets = 0;
    }
    chunk.push(message);
    octets += more;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}
