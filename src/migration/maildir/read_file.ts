import { Unreadable } from "../source.ts";

/** Files up to this size are read at once. */
const WHOLE_BYTES_MAX = 1024 * 1024;
const PIECE_BYTES = 256 * 1024;

/** What Dovecot's plugins write: https://doc.dovecot.org/2.3/configuration_manual/zlib_plugin/ */
const MAGIC: readonly (readonly [what: string, octets: readonly number[]])[] = [
  ["compressed with bzip2", [0x42, 0x5a, 0x68]],
  ["compressed with xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ["compressed with Zstandard", [0x28, 0xb5, 0x2f, 0xfd]],
  ["compressed with LZ4", [0x44, 0x6f, 0x76, 0x65, 0x63, 0x6f, 0x74, 0x2d, 0x4c, 0x5a, 0x34]],
  ["encrypted (mail-crypt)", [0x43, 0x52, 0x59, 0x50, 0x54, 0x45, 0x44, 0x03, 0x07]],
];
const GZIP = [0x1f, 0x8b];

/** The octets of a message file, decompressed if it is gzip. Throws `Unreadable`. */
export async function* readFile(path: string, fileBytes: number): AsyncGenerator<Uint8Array> {
  try {
    if (fileBytes <= WHOLE_BYTES_MAX) {
      const octets = await Deno.readFile(path);
      if (!beginsWith(octets, GZIP)) return yield checked(octets);
    }
    yield* streamed(path);
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    throw new Unreadable(whyOf(error), { cause: error });
  }
}

async function* streamed(path: string): AsyncGenerator<Uint8Array> {
  // WHY open so long: a file that is renamed meanwhile is read to its end all the same.
  using file = await Deno.open(path);
  const head = new Uint8Array(16);
  const count = await file.read(head) ?? 0;
  await file.seek(0, Deno.SeekMode.Start);
  if (beginsWith(head.subarray(0, count), GZIP)) {
    return yield* pieces(file).pipeThrough(new DecompressionStream("gzip"));
  }
  checked(head.subarray(0, count));
  yield* pieces(file);
}

function pieces(file: Deno.FsFile): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const piece = new Uint8Array(PIECE_BYTES);
      const count = await file.read(piece);
      if (count === null) controller.close();
      else controller.enqueue(piece.subarray(0, count));
    },
  }, { highWaterMark: 0 });
}

function checked(octets: Uint8Array): Uint8Array {
  for (const [what, magic] of MAGIC) if (beginsWith(octets, magic)) throw new Unreadable(what);
  return octets;
}

function beginsWith(octets: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((octet, at) => octets[at] === octet);
}

function whyOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "it is gone";
  if (error instanceof Deno.errors.PermissionDenied) return "no permission to read it";
  if (error instanceof TypeError) return "damaged gzip";
  return error instanceof Error ? error.message : String(error);
}
