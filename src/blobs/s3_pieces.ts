/** WHY: more than a socket takes at once, so that only one piece is on its way at a time. */
const PIECE_BYTES = 256 * 1024;
/** WHY: one is being sent, one is waiting, one is being filled; and one more. */
const BUFFERS = 4;

/**
 * The octets of a body in a few buffers that are filled again and again. WHY: copies would leave
 * garbage of tens of megabytes behind a large body. Only for bodies whose hash the receiver checks:
 * that a buffer is sent before its turn comes again is what streams do, not what they promise.
 */
export async function* inFewBuffers(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const buffers: Uint8Array[] = [];
  let turn = 0;
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const buffer = buffers[turn] ??= new Uint8Array(PIECE_BYTES);
      const some = chunk.subarray(at, at + PIECE_BYTES - filled);
      buffer.set(some, filled);
      filled += some.length;
      at += some.length;
      if (filled < PIECE_BYTES) continue;
      yield buffer;
      turn = (turn + 1) % BUFFERS;
      filled = 0;
    }
  }
  if (filled > 0) yield (buffers[turn] ?? new Uint8Array(0)).subarray(0, filled);
}

/** The octets of a body in copies, each valid for as long as somebody has it. */
export async function* inCopies(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield new Uint8Array(chunk);
}
