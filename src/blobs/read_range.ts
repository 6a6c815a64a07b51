/** Octets [start, end), and the memory that they may be read into. */
export interface OctetRange {
  readonly start: number;
  readonly end: number;
  /** At least `end - start` octets; default: new memory. */
  readonly into?: Uint8Array | undefined;
}

/** Octets of an open file. Throws when it is shorter. */
export async function readRange(
  file: Deno.FsFile,
  { start, end, into }: OctetRange,
): Promise<Uint8Array> {
  const length = Math.max(0, end - start);
  const bytes = into?.subarray(0, length) ?? new Uint8Array(length);
  if (start > 0) await file.seek(start, Deno.SeekMode.Start);
  for (let at = 0; at < length;) {
    const n = await file.read(bytes.subarray(at));
    if (n === null) throw new Error(`Cannot read octet ${start + at} of a shorter body`);
    at += n;
  }
  return bytes;
}
