import type { DatabaseEndpoint } from "../../config/config.ts";
import type { Log } from "../../observe/log.ts";
import { NAME } from "./cluster.ts";
import { makeFolder, type Place } from "./place.ts";
import { Postmaster } from "./postmaster.ts";
import type { Remembered } from "./remembered.ts";
import { PORT } from "./settings.ts";
import { dropSocketFolder } from "./socket_folder.ts";

/** First pause before a server that died is started again; doubles up to the second. */
const RESTART_MIN_MS = 200;
const RESTART_MAX_MS = 30_000;

/** A private PostgreSQL that runs. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** A unix socket; no password, because only Sora's user can reach it. */
  readonly endpoint: DatabaseEndpoint;
  /** Of PostgreSQL: "15.18". */
  readonly version: string;
  readonly source: Remembered["source"];
  /** The server's main process; another one after it died and was started again. */
  readonly pid: number;
  /** True when a server left by a killed Sora was taken over. */
  readonly adopted: boolean;
  /** Ends sessions and stops the server; resolves when its data is flushed. */
  stop(): Promise<void>;
}

/** A server that is ready. */
export interface Started {
  readonly postmaster: Postmaster;
  readonly facts: Remembered;
}

/** The running server with its watch: when its main process dies, it is started again. */
export class Supervised implements EmbeddedPostgres {
  readonly endpoint: DatabaseEndpoint;
  readonly version: string;
  readonly source: Remembered["source"];
  readonly adopted: boolean;
  readonly #place: Place;
  readonly #facts: Remembered;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  readonly #watching: Promise<void>;
  #postmaster: Postmaster;

  constructor(
    place: Place,
    { postmaster, facts, adopted, restart, log }: Started & {
      readonly adopted: boolean;
      readonly restart: boolean;
      readonly log: Log;
    },
  ) {
    this.#place = place;
    this.#facts = facts;
    this.#log = log;
    this.#postmaster = postmaster;
    this.endpoint = endpointAt(facts.socketFolder);
    this.version = facts.version;
    this.source = facts.source;
    this.adopted = adopted;
    this.#watching = restart ? this.#watch() : Promise.resolve();
  }

  get pid(): number {
    return this.#postmaster.pid;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
    await this.#postmaster.stop();
    await dropSocketFolder(this.#facts.socketFolder, this.#place.owner);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** PostgreSQL recovers from crashes of its sessions; this is for the death of its main process. */
  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    let pauseMs = RESTART_MIN_MS;
    for (;;) {
      const sinceMs = performance.now();
      await this.#postmaster.ended(signal);
      if (signal.aborted) return;
      if (performance.now() - sinceMs > RESTART_MAX_MS) pauseMs = RESTART_MIN_MS;
      this.#log.error("postgres-died", { pid: this.pid, restartInMs: pauseMs });
      await pause(pauseMs, signal);
      if (signal.aborted) return;
      pauseMs = Math.min(pauseMs * 2, RESTART_MAX_MS);
      await this.#restart();
    }
  }

  async #restart(): Promise<void> {
    try {
      await makeFolder(this.#facts.socketFolder, this.#place.owner);
      this.#postmaster = await Postmaster.find(this.#place.data) ??
        await Postmaster.launch(this.#place, this.#facts);
      this.#log.info("postgres-restarted", { pid: this.pid });
    } catch (error) {
      this.#log.error("postgres-restart-failed", { error });
    }
  }
}

/** Everything that a `DatabaseEndpoint` says about a private server. */
export function endpointAt(socketFolder: string): DatabaseEndpoint {
  return {
    hosts: [socketFolder],
    port: PORT,
    user: NAME,
    password: "",
    name: NAME,
    tls: false,
    maxConnections: 24,
    minConnections: 1,
    maxConnLifetimeMs: 3_600_000,
    maxConnIdleMs: 600_000,
  };
}

/** Waits, or stops waiting when `signal` says so. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  signal.addEventListener("abort", () => over.resolve(), { once: true });
  await over.promise;
  clearTimeout(timer);
}
