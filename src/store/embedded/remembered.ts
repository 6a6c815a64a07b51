import { join } from "node:path";

/** What a start leaves for the next one, in `server.json` beside the server's data. */
export interface Remembered {
  /** Folder of `postgres` and `initdb`. */
  readonly bin: string;
  readonly source: "system" | "bundled" | "directory";
  /** As the binary tells it: "15.18". */
  readonly version: string;
  /** Of the `postgres` binary: another one is asked for its version again. */
  readonly modifiedMs: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly socketFolder: string;
  /** The command line of the last start: a server left with other settings is not adopted. */
  readonly settings: readonly string[];
  /** The database `sora` exists and its collation was checked. */
  readonly ready: boolean;
}

/** Null when there is nothing readable: everything in it can be found out again. */
export async function recall(folder: string): Promise<Remembered | null> {
  try {
    return JSON.parse(await Deno.readTextFile(join(folder, "server.json"))) as Remembered;
  } catch {
    return null;
  }
}

/** Replaces what was remembered, in one step. */
export async function remember(folder: string, facts: Remembered): Promise<void> {
  const path = join(folder, "server.json");
  await Deno.writeTextFile(`${path}.new`, JSON.stringify(facts, null, 2) + "\n", { mode: 0o600 });
  await Deno.rename(`${path}.new`, path);
}
