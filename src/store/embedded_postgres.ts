import type { DatabaseEndpoint } from "../config/config.ts";
import type { Log } from "../observe/log.ts";
import { type Binaries, findBinaries, type Source } from "./embedded/binaries.ts";
import { initCluster, majorOfData } from "./embedded/cluster.ts";
import { findPlace, makeFolder, openPlace, type Place } from "./embedded/place.ts";
import { Postmaster } from "./embedded/postmaster.ts";
import { answers, makeDatabase } from "./embedded/probe.ts";
import { recall, remember, type Remembered } from "./embedded/remembered.ts";
import { type EmbeddedPostgres, endpointAt, type Started, Supervised } from "./embedded/server.ts";
import { settings } from "./embedded/settings.ts";
import { dropSocketFolder, makeSocketFolder } from "./embedded/socket_folder.ts";

/** Sessions of one private server: the protocol worker, the supervisor, sora-admin, and some spare. */
const MAX_CONNECTIONS = 60;

export type { EmbeddedPostgres } from "./embedded/server.ts";

export interface EmbeddedPostgresOptions {
  /** Sora's data folder; the server lives in `postgres/` inside it. The caller holds its lock. */
  readonly dataDir: string;
  /** `SORA_PG`: "auto", "system", "bundled", or the folder of an installed PostgreSQL. */
  readonly source: Source;
  readonly log: Log;
  /** False loses data at a power failure: for tests only. */
  readonly fsync?: boolean;
  readonly maxConnections?: number;
  /** Start the server again when it dies; the default. */
  readonly restart?: boolean;
}

/**
 * Starts Sora's own PostgreSQL, making its data first when there is none; takes over one that a
 * killed Sora left running. Needs the lock of the data folder (`lockDataDir`).
 *
 * @throws {Error} saying what is missing or in the way, in the server's own words where it has some
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const { dataDir, log, restart = true } = options;
  const place = await openPlace(dataDir);
  if (place.avoided) {
    log.warning("postgres-elsewhere", { folder: place.folder, unreachable: place.avoided });
  }
  const running = await takeOver(place, options);
  const started = running ?? await launch(place, options);
  log.info("postgres-started", {
    version: started.facts.version,
    source: started.facts.source,
    adopted: running !== null,
    pid: started.postmaster.pid,
  });
  return new Supervised(place, { ...started, adopted: running !== null, restart, log });
}

/** How to reach the private server of a data folder that another process runs; null when none runs. */
export async function findEmbeddedPostgres(dataDir: string): Promise<DatabaseEndpoint | null> {
  const folder = await findPlace(dataDir);
  const facts = folder ? await recall(folder) : null;
  return facts?.ready && await answers(facts.socketFolder) ? endpointAt(facts.socketFolder) : null;
}

/** A server that runs here already is used if it is sound and has our settings; else it is stopped. */
async function takeOver(place: Place, options: EmbeddedPostgresOptions): Promise<Started | null> {
  const postmaster = await Postmaster.find(place.data);
  if (!postmaster) return null;
  const facts = await recall(place.folder);
  const same = facts?.ready && sameSettings(facts, options) && fits(facts, options.source);
  if (same && await answers(facts.socketFolder)) return { postmaster, facts };
  options.log.info("postgres-replaced", { pid: postmaster.pid });
  await postmaster.stop();
  return null;
}

function fits(facts: Remembered, source: Source): boolean {
  return source === "auto" || source === facts.source || facts.source === "directory";
}

function sameSettings(facts: Remembered, options: EmbeddedPostgresOptions): boolean {
  const wanted = settingsFor(facts.socketFolder, options);
  return facts.settings.join("\n") === wanted.join("\n");
}

function settingsFor(socketFolder: string, options: EmbeddedPostgresOptions): string[] {
  const { fsync = true, maxConnections = MAX_CONNECTIONS } = options;
  return settings({ socketFolder, fsync, maxConnections });
}

async function launch(place: Place, options: EmbeddedPostgresOptions): Promise<Started> {
  const { source, log, fsync = true } = options;
  const remembered = await recall(place.folder);
  const made = await majorOfData(place.data);
  const binaries = await findBinaries({ source, made, place, remembered });
  if (made === null) await initCluster(place, binaries, { fsync, log });
  await makeFolder(`${place.folder}/log`, place.owner);
  if (remembered) await dropSocketFolder(remembered.socketFolder, place.owner);
  const socketFolder = await makeSocketFolder(place);
  const line = settingsFor(socketFolder, options);
  const ready = made !== null && (remembered?.ready ?? false);
  const facts = factsOf(binaries, { socketFolder, settings: line, ready });
  // WHY before the start: whoever finds the server after a kill needs to know where its socket is.
  await remember(place.folder, facts);
  const postmaster = await Postmaster.launch(place, facts);
  if (ready) return { postmaster, facts };
  try {
    await makeDatabase(socketFolder);
  } catch (error) {
    await postmaster.stop();
    throw error;
  }
  await remember(place.folder, { ...facts, ready: true });
  return { postmaster, facts: { ...facts, ready: true } };
}

function factsOf(
  { bin, source, version, modifiedMs, environment }: Binaries,
  start: Pick<Remembered, "socketFolder" | "settings" | "ready">,
): Remembered {
  return { bin, source, version, modifiedMs, environment, ...start };
}
