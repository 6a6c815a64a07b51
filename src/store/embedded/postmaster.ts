import { join } from "node:path";
import type { Place } from "./place.ts";
import { command, isAlive, tail, until } from "./process.ts";
import type { Remembered } from "./remembered.ts";
import { PORT } from "./settings.ts";

/** From exec to "ready"; long, because it may include the recovery after a crash. */
const START_MS = 180_000;
/** A fast stop (SIGINT) ends sessions, writes a checkpoint and flushes it. */
const STOP_FAST_MS = 30_000;
/** An immediate stop (SIGQUIT) writes nothing; the next start recovers. */
const STOP_IMMEDIATE_MS = 10_000;
/** How often the death of a server that is not our child is looked for. */
const WATCH_MS = 1000;

/** PostgreSQL's `postmaster.pid`. */
interface PidFile {
  readonly pid: number;
  /** "starting", "stopping", "ready" or "standby"; empty for a moment. */
  readonly status: string;
}

/** What a start needs to know. */
export type Start = Pick<Remembered, "bin" | "environment" | "socketFolder" | "settings">;

/** The main process of a running private server: our child, or one left by a killed Sora. */
export class Postmaster {
  readonly #child: Deno.ChildProcess | null;

  private constructor(readonly pid: number, child: Deno.ChildProcess | null) {
    this.#child = child;
  }

  /** The server that already runs on this data folder, once it is ready; null when there is none. */
  static async find(data: string): Promise<Postmaster | null> {
    const settled = await until(START_MS, async () => {
      const file = await readPidFile(data);
      if (!file || !await isPostmaster(file.pid, data)) return null;
      return file.status === "ready" ? file : undefined;
    });
    if (settled === undefined) throw new Error(`Cannot tell what the server on ${data} is doing`);
    return settled && new Postmaster(settled.pid, null);
  }

  /** Starts one and waits until it takes connections. @throws {Error} with the server's own words */
  static async launch(place: Place, start: Start): Promise<Postmaster> {
    await dropStaleFiles(place.data, start.socketFolder);
    const run = { binaries: start, owner: place.owner, cwd: place.folder };
    const args = ["-D", place.data, ...start.settings];
    const [file, options] = command(run, "postgres", args);
    // WHY detached: Ctrl-C reaches the whole foreground group, and Sora has to drain first.
    const io = { stdout: "null", stderr: "piped", detached: true } as const;
    const child = new Deno.Command(file, { ...options, ...io }).spawn();
    child.unref();
    const said = collect(child.stderr);
    let ended: Deno.CommandStatus | undefined;
    void child.status.then((status) => ended = status);
    const state = await until(START_MS, async () => {
      if (ended) return "ended";
      const found = await readPidFile(place.data);
      return found?.pid === child.pid && found.status === "ready" ? "ready" : undefined;
    });
    const postmaster = new Postmaster(child.pid, child);
    if (state !== "ready" && !ended) await postmaster.stop();
    const words = await said.stop();
    if (state === "ready") return postmaster;
    const logged = await lastLog(join(place.folder, "log"));
    throw new Error(`Cannot start PostgreSQL on ${place.data}: ${tail(words + logged)}`);
  }

  /** Resolves when the process has ended, or when `signal` says that no one waits any more. */
  async ended(signal: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => stopped.resolve(), { once: true });
    if (signal.aborted) return;
    if (this.#child) {
      return await Promise.race([this.#child.status.then(() => {}), stopped.promise]);
    }
    while (!signal.aborted && await isAlive(this.pid)) {
      const pause = Promise.withResolvers<void>();
      const timer = setTimeout(pause.resolve, WATCH_MS);
      await Promise.race([pause.promise, stopped.promise]);
      clearTimeout(timer);
    }
  }

  /** Stops it: sessions are ended, data is flushed. Harmless when it has ended. */
  async stop(): Promise<void> {
    for (
      const [signal, boundMs] of [["SIGINT", STOP_FAST_MS], ["SIGQUIT", STOP_IMMEDIATE_MS]] as const
    ) {
      if (!await this.#signal(signal)) break;
      if (await until(boundMs, async () => await this.#isGone() || undefined)) break;
    }
    if (!await this.#isGone()) throw new Error(`Cannot stop PostgreSQL, process ${this.pid}`);
    // WHY: nothing else may keep the program alive until its end has been seen.
    this.#child?.ref();
    await this.#child?.status;
  }

  /** False when there is no one left to signal. */
  async #signal(signal: Deno.Signal): Promise<boolean> {
    if (await this.#isGone()) return false;
    try {
      Deno.kill(this.pid, signal);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
    return true;
  }

  async #isGone(): Promise<boolean> {
    return !await isAlive(this.pid);
  }
}

/** Null when there is no such file; it is rewritten in place, so a half-written one has no status. */
async function readPidFile(data: string): Promise<PidFile | null> {
  try {
    const lines = (await Deno.readTextFile(join(data, "postmaster.pid"))).split("\n");
    // QUIRK: a negative number is a single-user server's, which initdb runs.
    return { pid: Math.abs(Number(lines[0])), status: lines[7]?.trim() ?? "" };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Is this process a PostgreSQL on this data folder? Process numbers are used again, after a reboot
 * even soon: the server's working folder is its data folder, which tells them apart.
 */
async function isPostmaster(pid: number, data: string): Promise<boolean> {
  if (!pid || !await isAlive(pid)) return false;
  if (Deno.build.os !== "linux") {
    const ps = new Deno.Command("/bin/ps", { args: ["-o", "command=", "-p", String(pid)] });
    return new TextDecoder().decode((await ps.output()).stdout).includes(data);
  }
  try {
    return await Deno.readLink(`/proc/${pid}/cwd`) === await Deno.realPath(data);
  } catch (error) {
    // WHY: a process of another user cannot be the server on a folder that is ours alone.
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}

/**
 * Removes what a killed server left behind, after the last of its sessions has ended. WHY: PostgreSQL
 * refuses to start while the process number in these files exists, be it a stranger's by now or a
 * zombie that no one has waited for (a container's first process seldom does).
 */
async function dropStaleFiles(data: string, socketFolder: string): Promise<void> {
  const file = await readPidFile(data);
  if (!file || Deno.build.os !== "linux" && !await isAlive(file.pid)) return;
  const left = await until(STOP_IMMEDIATE_MS, async () => await hasProcesses(data) ? undefined : 0);
  if (left === undefined) throw new Error(`Cannot start PostgreSQL: ${data} is still in use`);
  const socket = join(socketFolder, `.s.PGSQL.${PORT}`);
  for (const path of [`${socket}.lock`, socket, join(data, "postmaster.pid")]) {
    await Deno.remove(path).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

/**
 * Does any process work in this folder? Sessions of a killed server end by themselves, not at once.
 * QUIRK: only Linux tells; elsewhere PostgreSQL's own check of its shared memory has to do.
 */
async function hasProcesses(data: string): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  const folder = await Deno.realPath(data);
  for await (const entry of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(entry.name)) continue;
    const cwd = await Deno.readLink(`/proc/${entry.name}/cwd`).catch(() => "");
    if (cwd === folder) return true;
  }
  return false;
}

/** What the server says before its log file is open. */
function collect(stream: ReadableStream<Uint8Array>): { stop(): Promise<string> } {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const reading = (async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text = tail(text + decoder.decode(part.value, { stream: true })) + "\n";
    }
  })();
  return {
    async stop() {
      await reader.cancel();
      await reading;
      return text;
    },
  };
}

async function lastLog(folder: string): Promise<string> {
  let newest = { path: "", at: 0 };
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = join(folder, entry.name);
      const at = (await Deno.stat(path)).mtime?.getTime() ?? 0;
      if (at > newest.at) newest = { path, at };
    }
    return await Deno.readTextFile(newest.path);
  } catch {
    return "";
  }
}
