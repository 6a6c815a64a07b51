import { dirname, join, resolve } from "node:path";
import { exitCodes, StartFailure } from "./exit_codes.ts";
import type { DataFolders } from "./worker_protocol.ts";

/** The data folder with what workers may touch in it; absolute paths. */
export interface DataFolder extends DataFolders {
  readonly root: string;
}

/**
 * Makes the data folder and those of bodies and spool, for Sora's own user only.
 *
 * @throws {StartFailure} cannotCreate
 */
export async function openDataFolder(dataDir: string): Promise<DataFolder> {
  const root = resolve(dataDir);
  const folders = { root, bodies: join(root, "bodies"), spool: join(root, "spool") };
  try {
    // WHY 0711: PostgreSQL may run as another user and has to pass through to its own folder.
    await Deno.mkdir(root, { recursive: true, mode: 0o711 });
    await Deno.mkdir(folders.bodies, { recursive: true, mode: 0o700 });
    await Deno.mkdir(folders.spool, { recursive: true, mode: 0o700 });
    // WHY: a body is only as durable as every folder above it.
    await sync(root);
    // WHY not fatal: who may pass through a folder may not always open it.
    await sync(dirname(root)).catch(() => {});
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `data_dir: cannot make the data folder ${root}: ${why}`;
    throw new StartFailure(exitCodes.cannotCreate, message, { cause: error });
  }
  return folders;
}

/** fsync: the entries of a folder outlast a crash. */
async function sync(folder: string): Promise<void> {
  using file = await Deno.open(folder);
  await file.sync();
}
