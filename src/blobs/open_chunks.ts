import { type BodyCipher, CHUNK_BYTES, sealedPlace } from "./body_cipher.ts";

/** WHY: chunks are decrypted by other threads, and several at once keep these and this one busy. */
const CHUNKS_AT_ONCE = 4;

/**
 * Decrypts chunks that follow one another.
 *
 * @param sealed whole chunks, from chunk number `first` on; the last of the object may be shorter
 * @param chunks how many the object has
 * @param into memory that may be used for them
 * @throws {CipherError} where one of them is not what was encrypted; nothing of the others is given
 */
export async function openChunks(
  cipher: BodyCipher,
  sealed: Uint8Array,
  { first, chunks, into }: {
    readonly first: number;
    readonly chunks: number;
    readonly into?: Uint8Array | undefined;
  },
): Promise<Uint8Array> {
  const sealedBytes = sealedPlace(1).start - sealedPlace(0).start;
  const count = Math.ceil(sealed.length / sealedBytes);
  const open = (i: number) =>
    cipher.open(sealed.subarray(i * sealedBytes, (i + 1) * sealedBytes), {
      number: first + i,
      isLast: first + i === chunks - 1,
    });
  if (count === 1) return await open(0);
  const length = sealed.length - count * (sealedBytes - CHUNK_BYTES);
  const plain = into && into.length >= length ? into.subarray(0, length) : new Uint8Array(length);
  for (let at = 0; at < count; at += CHUNKS_AT_ONCE) {
    const some = Math.min(CHUNKS_AT_ONCE, count - at);
    // WHY all settled: nothing is under way any more when one of them has failed.
    const opened = await Promise.allSettled(Array.from({ length: some }, (_, i) => open(at + i)));
    for (const [i, chunk] of opened.entries()) {
      if (chunk.status === "rejected") throw chunk.reason;
      plain.set(chunk.value, (at + i) * CHUNK_BYTES);
    }
  }
  return plain;
}
