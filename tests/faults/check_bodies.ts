import { createHash } from "node:crypto";
import { hashOf, isBodyKey } from "../../src/blobs/blobs.ts";
import { TEMPORARY_FOLDER } from "../../src/blobs/disk_blobs.ts";
import { DiskNames } from "../../src/blobs/disk_names.ts";
import type { Hash } from "../../src/lib/ids.ts";
import { type Database, sql } from "../../src/store/database.ts";
import { unpackObjectKey } from "../../src/store/object_key.ts";
import type { S3Server } from "../support/s3_server.ts";

/** Where the bodies of one server are. */
export interface Bodies {
  /** Of the server. */
  readonly dataDir: string;
  /** null: in the data folder. */
  readonly bucket: S3Server | null;
}

/**
 * What is wrong with the bodies of a server that nobody uses at the moment: what a message needs, what is on its
 * way to the object store, and what every file and object holds. Nothing, if all is well.
 */
export async function checkBodies(db: Database, bodies: Bodies): Promise<string[]> {
  const { dataDir, bucket } = bodies;
  const stored = bucket ? new Map(bucket.objects) : await filesOf(`${dataDir}/bodies`);
  const staged = await filesOf(`${dataDir}/uploads`);
  const cached = await filesOf(`${dataDir}/cache`);
  const kept = await neededKeys(db, { purging: false });
  const pending = await db.query<{ key: string; instance: string | null }>(sql`
    SELECT object_key AS key, instance_id AS instance FROM pending_uploads WHERE body IS NULL`);
  const waiting = new Set(pending.map(({ key }) => key));
  return [
    ...damaged("storage", stored),
    ...damaged("staging folder", staged),
    ...damaged("cache", cached),
    ...[...kept].filter((key) => !stored.has(key) && !waiting.has(key))
      .map((key) => `the body of a message is nowhere: ${key}`),
    ...[...waiting].filter((key) => !staged.has(key) && !stored.has(key))
      .map((key) => `waits for its upload, and is not staged: ${key}`),
  ];
}

/** What is there and nobody's, as far as the design says that it goes by itself. */
export async function leftOver(db: Database, { dataDir, bucket }: Bodies): Promise<string[]> {
  const [row] = await db.query<Record<string, number>>(sql`
    SELECT (SELECT count(*) FROM pending_uploads) AS uploads,
      (SELECT count(*) FROM expunged_messages WHERE NOT moved) AS expunged,
      (SELECT count(*) FROM mailboxes WHERE deleted_at IS NOT NULL) AS mailboxes,
      (SELECT count(*) FROM accounts WHERE deleted_at IS NOT NULL) AS accounts,
      (SELECT count(*) FROM stale_texts) AS texts`);
  const counts = Object.entries(row ?? {}).filter(([, count]) => count > 0);
  const staged = bucket ? await filesOf(`${dataDir}/uploads`) : new Map();
  return [
    ...counts.map(([what, count]) => `left over: ${count} ${what}`),
    ...[...staged.keys()].map((key) => `left over in the staging folder: ${key}`),
    ...(await namesIn(`${dataDir}/uploads/leaving`)).map((name) => `left aside: ${name}`),
    ...(await namesIn(`${dataDir}/uploads/${TEMPORARY_FOLDER}`)).map((name) => `unnamed: ${name}`),
  ];
}

/** What no message needs, in the object store or the folder of bodies. */
export async function orphans(db: Database, { dataDir, bucket }: Bodies): Promise<string[]> {
  const needed = await neededKeys(db, { purging: true });
  const stored = bucket?.objects ?? await filesOf(`${dataDir}/bodies`);
  return [...stored.keys()].filter((key) => isBodyKey(key) && !needed.has(key));
}

/** As if so much time had gone by: files that are to be swept are old enough. */
export async function age(dataDir: string, ms: number): Promise<void> {
  const then = new Date(Date.now() - ms);
  for (const folder of ["bodies", "uploads"]) {
    for await (const { path } of new DiskNames(`${dataDir}/${folder}`).all()) {
      await Deno.utime(path, then, then);
    }
  }
  const temporary = `${dataDir}/uploads/${TEMPORARY_FOLDER}`;
  for (const name of await namesIn(temporary)) {
    await Deno.utime(`${temporary}/${name}`, then, then);
  }
}

/** The bodies that messages have, also those that the cleaner is about to remove. */
async function neededKeys(
  db: Database,
  { purging }: { readonly purging: boolean },
): Promise<Set<string>> {
  const rows = await db.query<{ hash: Hash; key: string }>(sql`
    SELECT DISTINCT encode(hash, 'hex') AS hash, object_key AS key
    FROM messages JOIN mailboxes AS box ON box.id = messages.mailbox_id
      LEFT JOIN expunged_messages AS gone
        ON gone.mailbox_id = messages.mailbox_id AND gone.uid = messages.uid
    WHERE ${purging} OR NOT (coalesce(gone.purging, false) OR box.purging)`);
  return new Set(rows.map(({ hash, key }) => unpackObjectKey(key, hash)));
}

async function filesOf(folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const { key, path } of new DiskNames(folder).all()) {
    // WHY: a cache and a sweeper may just be at work.
    const bytes = await Deno.readFile(path).catch(ignoreMissing);
    if (bytes) files.set(key, bytes);
  }
  return files;
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder)).catch(ignoreMissing);
  return (entries ?? []).filter(({ isFile }) => isFile).map(({ name }) => name);
}

/** Bodies that are not what their names say. */
function damaged(where: string, found: ReadonlyMap<string, Uint8Array>): string[] {
  return [...found].filter(([key, bytes]) =>
    isBodyKey(key) && createHash("sha256").update(bytes).digest("hex") !== hashOf(key)
  ).map(([key]) => `damaged in the ${where}: ${key}`);
}

function ignoreMissing(error: unknown): null {
  if (error instanceof Deno.errors.NotFound) return null;
  throw error;
}
