import { createGzip } from "node:zlib";
import { once } from "node:events";
import { Spool, type Spooled } from "../../blobs/spool.ts";

/** WHY: hashes cannot be made shorter anyway; more effort costs four times the time for 2 %. */
const LEVEL = 3;
/** Octets that are given to the compressor at once. */
const BATCH = 64 * 1024;

/** Text lines as an object, compressed; in a spool file where it is large. */
export async function zipLines(
  lines: AsyncIterable<string> | Iterable<string>,
  spoolDir: string,
): Promise<Spooled> {
  const gzip = createGzip({ level: LEVEL });
  const spool = new Spool(spoolDir);
  const written = drain(gzip, spool);
  try {
    let batch = "";
    for await (const line of lines) {
      batch += `${line}\n`;
      if (batch.length < BATCH) continue;
      await Promise.race([give(gzip, batch), written]);
      batch = "";
    }
    gzip.end(batch);
    await written;
    return await spool.finish();
  } catch (error) {
    gzip.destroy();
    await written.catch(() => {});
    await spool.discard();
    throw error;
  }
}

async function drain(gzip: AsyncIterable<Uint8Array>, spool: Spool): Promise<void> {
  for await (const piece of gzip) await spool.write(piece);
}

async function give(gzip: ReturnType<typeof createGzip>, text: string): Promise<void> {
  if (!gzip.write(text)) await once(gzip, "drain");
}
