import type { DatabaseConfig, DatabaseEndpoint } from "../config/config.ts";

/** For the supervisor: /health, jobs and a migration, and one to spare. */
const SUPERVISOR_CONNECTIONS = 4;
/** WHY: a worker has one for short reads, one that listens, and three for what may wait for locks. */
const WORKER_CONNECTIONS_MIN = 5;

/** What each isolate may open of the connections that are configured for the whole process. */
export interface ConnectionShares {
  readonly supervisor: DatabaseConfig;
  readonly worker: DatabaseConfig;
}

/** Most connections that so many workers open, where fewer are configured than they need. */
export function connectionsNeeded(workers: number): number {
  return SUPERVISOR_CONNECTIONS + workers * WORKER_CONNECTIONS_MIN;
}

/** Divides `max_connections` and `min_connections` of every endpoint among the isolates. */
export function divideConnections(database: DatabaseConfig, workers: number): ConnectionShares {
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
    worker: divide((endpoint) => {
      const share = Math.floor((endpoint.maxConnections - SUPERVISOR_CONNECTIONS) / workers);
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
