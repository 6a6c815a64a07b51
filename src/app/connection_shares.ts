import type { DatabaseConfig, DatabaseEndpoint } from "../config/config.ts";

/** For the supervisor: /health, jobs and a migration, and one to spare. */
const SUPERVISOR_CONNECTIONS = 4;
/** WHY: a worker has one for short reads, one that listens, and three for what may wait for locks. */
const WORKER_CONNECTIONS_MIN = 5;

/** WHY: short statements, LISTEN, and for each batch its transaction and what is said of it meanwhile. */
const UPLOADER_CONNECTIONS = 6;

/** What each isolate may open of the connections that are configured for the whole process. */
export interface ConnectionShares {
  readonly supervisor: DatabaseConfig;
  readonly worker: DatabaseConfig;
  readonly uploader: DatabaseConfig;
}

/** Who else opens connections. */
interface Others {
  /** There is an object store, and one isolate that uploads. */
  readonly uploads?: boolean;
}

/** Most connections that so many workers open, where fewer are configured than they need. */
export function connectionsNeeded(workers: number, others: Others = {}): number {
  return besides(others) + workers * WORKER_CONNECTIONS_MIN;
}

function besides({ uploads = false }: Others): number {
  return SUPERVISOR_CONNECTIONS + (uploads ? UPLOADER_CONNECTIONS : 0);
}

/** Divides `max_connections` and `min_connections` of every endpoint among the isolates. */
export function divideConnections(
  database: DatabaseConfig,
  workers: number,
  others: Others = {},
): ConnectionShares {
  const divide = (share: (endpoint: DatabaseEndpoint) => DatabaseEndpoint): DatabaseConfig => ({
    ...database,
    write: share(database.write),
    read: database.read.map(share),
  });
  return {
    supervisor: divide((endpoint) => ({
      ...endpoint,
      maxConnections: SUPERVISOR_CONNECTIONS,
      minConnections: 0,
    })),
    uploader: divide((endpoint) => ({
      ...endpoint,
      maxConnections: UPLOADER_CONNECTIONS,
      minConnections: 0,
    })),
    worker: divide((endpoint) => {
      const share = Math.floor((endpoint.maxConnections - besides(others)) / workers);
      const maxConnections = Math.max(WORKER_CONNECTIONS_MIN, share);
      const minConnections = Math.floor(endpoint.minConnections / workers);
      return {
        ...endpoint,
        maxConnections,
        minConnections: Math.min(minConnections, maxConnections),
      };
    }),
  };
}
