import { join } from "node:path";
// @ts-types="npm:@types/pg@8.23.1"
import { Client } from "pg";
import type { DatabaseEndpoint } from "../../src/config/config.ts";
import { logger } from "../../src/observe/log.ts";
import { findBinaries } from "../../src/store/embedded/binaries.ts";
import { obstacle } from "../../src/store/embedded/owner.ts";
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from "../../src/store/embedded_postgres.ts";

export const isRoot = Deno.uid() === 0;

/** Root can play an ordinary user who can read this repository and run this Deno. */
export const canChangeUser = isRoot && await hasSetpriv() &&
  await isReachable(new URL(import.meta.url).pathname) && await isReachable(Deno.execPath());

/** The PostgreSQLs that this machine can run, with the reason why one cannot. */
export const sources = await Promise.all(["system", "bundled"].map(async (source) => {
  const folder = await Deno.makeTempDir({ prefix: "sora-probe-" });
  try {
    const place = { folder, data: join(folder, "data"), owner: undefined, avoided: null };
    await findBinaries({ source, made: null, place, remembered: null });
    return { source, missing: null };
  } catch (error) {
    return { source, missing: String(error) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}));

async function isReachable(path: string): Promise<boolean> {
  return await obstacle(await Deno.realPath(path), { uid: 65534, gid: 65534 }) === null;
}

async function hasSetpriv(): Promise<boolean> {
  try {
    return (await new Deno.Command("setpriv", { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

/** A new Sora data folder that is removed at the end. */
export async function newDataDir(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "sora-embedded-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** A copy of Deno's package cache that any user can read: root's own is often in /root. */
export async function readableCache(): Promise<{ path: string } & AsyncDisposable> {
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(info.stdout)) as { denoDir: string };
  const path = await Deno.makeTempDir({ prefix: "sora-cache-" });
  await new Deno.Command("cp", { args: ["-r", join(denoDir, "npm"), path] }).output();
  await new Deno.Command("chown", { args: ["-R", "65534:65534", path] }).output();
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** Starts a server as the tests want it: fast, and without a watch unless they ask for one. */
export function start(
  dataDir: string,
  options: Partial<EmbeddedPostgresOptions> = {},
): Promise<EmbeddedPostgres> {
  const log = logger("test");
  return startEmbeddedPostgres({ dataDir, source: "auto", log, restart: false, ...options });
}

/** Runs statements over one connection; gives the rows of the last one as text arrays. */
export async function ask(endpoint: DatabaseEndpoint, ...statements: string[]): Promise<string[]> {
  const { hosts: [host], port, user, name: database } = endpoint;
  const client = new Client({ host, port, user, database });
  client.on("error", () => {});
  await client.connect();
  try {
    let row: unknown[] = [];
    for (const text of statements) {
      const { rows } = await client.query<unknown[]>({ text, rowMode: "array" });
      row = rows[0] ?? [];
    }
    return row.map(String);
  } finally {
    await client.end();
  }
}

/** Another process that holds a data folder and runs its server, as Sora does. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Of the PostgreSQL that it runs. */
  readonly postgresPid: number;
  readonly version: string;
  /** kill -9, then waits until it is gone. */
  kill(): Promise<void>;
}

/** Starts `sora_child.ts`, optionally through a program that changes the user. */
export async function startChild(
  args: readonly string[],
  { via = [], env = {} }: { via?: readonly string[]; env?: Record<string, string> } = {},
): Promise<Child> {
  const script = new URL("./sora_child.ts", import.meta.url).pathname;
  const [program = "", ...rest] = [...via, Deno.execPath(), "run", "-A", "--no-check", script];
  const child = new Deno.Command(program, {
    args: [...rest, ...args],
    env,
    cwd: new URL("../..", import.meta.url).pathname,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  const kill = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await child.status;
    await reader.cancel();
  };
  if (!text.includes("\n")) {
    const words = await child.stderr.text();
    await kill();
    throw new Error(`Cannot start ${script}: ${words}`);
  }
  await child.stderr.cancel();
  const told = JSON.parse(text) as { postgresPid: number; version: string };
  return { pid: child.pid, ...told, kill, [Symbol.asyncDispose]: kill };
}
