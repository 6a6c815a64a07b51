/** WHY: a hundred thousand lines in one string would hold the event loop and the memory. */
const LINES_PER_CHUNK = 2_000;

/**
 * EXPUNGE for these positions (0-based, ascending), in pieces of text.
 *
 *     message-data = nz-number SP ("EXPUNGE" / …)                           RFC 3501 §9
 */
export function* expungeLines(positions: readonly number[]): Generator<string> {
  let lines = "";
  // WHY: highest first, so that no number already sent has to be shifted (RFC 3501 §7.4.1).
  for (let i = positions.length - 1; i >= 0; i--) {
    lines += `* ${(positions[i] ?? 0) + 1} EXPUNGE\r\n`;
    if (i % LINES_PER_CHUNK !== 0) continue;
    yield lines;
    lines = "";
  }
}
