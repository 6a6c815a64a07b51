import type { Config, DatabaseConfig } from "../config/config.ts";
import type { LogEntry } from "../observe/log_entry.ts";
import type { LogLevel } from "../observe/log_level.ts";
import type { MetricsSnapshot } from "../observe/sum_metrics.ts";
import type { StagingSettings } from "./staging_settings.ts";
import type { SessionCounts } from "./shared_admission.ts";

/** All that supervisor and protocol workers say to each other. */

/** What a worker needs to serve: plain data, sent once. */
export interface WorkerSettings {
  /** 1 … number of workers; a restarted worker has the number of the one it replaces. */
  readonly number: number;
  readonly workers: number;
  /** With a database, absolute folders, and real ports instead of 0. */
  readonly config: Config & { readonly database: DatabaseConfig };
  readonly folders: DataFolders;
  /** null: bodies are files in the data folder. */
  readonly staging: StagingSettings | null;
  /** Session counts of all workers (`shared_admission.ts`). */
  readonly counts: SessionCounts;
}

/** Absolute paths of what workers may touch. */
export interface DataFolders {
  /** Message bodies, by owner and hash. */
  readonly bodies: string;
  /** Messages on their way in. */
  readonly spool: string;
}

/** What became of a worker's sessions at shutdown. */
export interface Drained {
  readonly ended: number;
  /** Sessions that did not end within `shutdown_timeout`. */
  readonly cut: number;
}

/** What a worker answers. A type, not an interface: only types have the index that Rpc asks for. */
export type WorkerProcedures = {
  /** Opens everything and listens; resolves when clients are served. The upload worker hashes nothing. */
  start(settings: WorkerSettings, hasher: MessagePort | null): Promise<void>;
  /** Stops accepting, ends sessions politely, closes everything. */
  drain(timeoutMs: number): Promise<Drained>;
  /** Another hash worker, after the last one died. */
  useHasher(port: MessagePort): void;
  setLogLevel(level: LogLevel): void;
  metrics(): Promise<MetricsSnapshot>;
};

/** What the supervisor answers to a worker. */
export type SupervisorProcedures = {
  log(entries: readonly LogEntry[]): void;
  /** The worker's event loop turns. */
  beat(): void;
};

/** How often a worker beats; the supervisor counts in the same unit. */
export const BEAT_MS = 2_000;
