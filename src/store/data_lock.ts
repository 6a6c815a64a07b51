import { join } from "node:path";

/** The file in a data folder that carries the lock; it stays there when the lock is gone. */
const LOCK_FILE = "sora.lock";

/** Another Sora works on the data folder. */
export class DataDirInUse extends Error {
  override readonly name = "DataDirInUse";

  constructor(
    readonly dataDir: string,
    /** Process number of the holder; null when it has not told it yet. */
    readonly holder: number | null,
  ) {
    const who = holder === null ? "another Sora" : `another Sora, process ${holder}`;
    super(`Cannot use the data folder ${dataDir}: it is in use by ${who}`);
  }
}

/**
 * Takes the data folder for this process until the lock is disposed of. It is the operating
 * system's lock on an open file: it ends with the process, however that ends.
 *
 * @throws {DataDirInUse}
 */
export async function lockDataDir(dataDir: string): Promise<Disposable> {
  await Deno.mkdir(dataDir, { recursive: true, mode: Deno.uid() === 0 ? 0o711 : 0o700 });
  const path = join(dataDir, LOCK_FILE);
  const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  try {
    if (!await file.tryLock(true)) throw new DataDirInUse(dataDir, await holderIn(path));
    await file.truncate();
    await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
  } catch (error) {
    file.close();
    throw error;
  }
  return file;
}

async function holderIn(path: string): Promise<number | null> {
  const text = await Deno.readTextFile(path);
  return /^\d+\n$/.test(text) ? Number(text) : null;
}
