import { type BodyCipher, CHUNK_BYTES, chunksOf, CipherError } from "./body_cipher.ts";

/** WHY: chunks are encrypted by other threads, and several at once keep these and this one busy. */
const PIECE_BYTES = 4 * CHUNK_BYTES;

/**
 * The object of a body: its header, then its chunks, each in memory of its own.
 *
 * @param plain the body, in pieces that are valid until the next is asked for
 * @throws {CipherError} where it has another size, before the last piece is given
 */
export async function* sealBody(
  cipher: BodyCipher,
  plain: AsyncIterable<Uint8Array>,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  yield cipher.header;
  const chunks = chunksOf(sizeBytes);
  let number = 0;
  const seal = (piece: Uint8Array) =>
    Promise.all(Array.from({ length: chunksOf(piece.length) }, (_, i) => {
      const place = { number: number + i, isLast: number + i === chunks - 1 };
      return cipher.seal(piece.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES), place);
    }));
  let total = 0;
  let held: Uint8Array[] = [];
  for await (const piece of inPieces(plain, Math.max(1, Math.min(PIECE_BYTES, sizeBytes)))) {
    total += piece.length;
    if (total > sizeBytes) break;
    const sealed = await seal(piece);
    number += sealed.length;
    yield* held;
    // WHY: nothing may look complete before it is known to be.
    held = sealed;
  }
  if (total !== sizeBytes) throw new CipherError("Cannot encrypt a body of another size");
  yield* held.length > 0 ? held : await seal(new Uint8Array(0));
}

/** The same octets in pieces of one length, but for the last; each is valid until the next. */
async function* inPieces(
  source: AsyncIterable<Uint8Array>,
  length: number,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(length);
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + length - filled);
      buffer.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < length) continue;
      yield buffer;
      filled = 0;
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}
