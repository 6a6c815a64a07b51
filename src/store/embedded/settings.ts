/** Only names the socket file: nothing listens on TCP. */
export const PORT = 5432;

export interface SettingsOptions {
  readonly socketFolder: string;
  /** False loses data at a power failure: for tests only. */
  readonly fsync: boolean;
  readonly maxConnections: number;
}

/** The server's command line after `-D`: beats every file, so that no old setting lingers. */
export function settings({ socketFolder, fsync, maxConnections }: SettingsOptions): string[] {
  const values: Record<string, string> = {
    listen_addresses: "",
    port: String(PORT),
    unix_socket_directories: socketFolder,
    unix_socket_permissions: "0700",
    max_connections: String(maxConnections),
    shared_buffers: `${sharedBuffersMb()}MB`,
    work_mem: "8MB",
    maintenance_work_mem: "64MB",
    max_wal_size: "1GB",
    checkpoint_completion_target: "0.9",
    fsync: fsync ? "on" : "off",
    synchronous_commit: fsync ? "on" : "off",
    full_page_writes: fsync ? "on" : "off",
    // WHY: mail queries are short; planning parallel workers and code for them costs more.
    max_parallel_workers_per_gather: "0",
    jit: "off",
    random_page_cost: "1.1",
    autovacuum_naptime: "20s",
    timezone: "UTC",
    log_timezone: "UTC",
    lc_messages: "C",
    // WHY: one file per weekday, overwritten a week later: bounded, and no one has to rotate it.
    logging_collector: "on",
    log_directory: "../log",
    log_filename: "postgresql-%a.log",
    log_truncate_on_rotation: "on",
    log_rotation_age: "1d",
    log_rotation_size: "0",
    log_file_mode: "0600",
  };
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** 1/32 of the memory, 32 … 256 MB: a private server shares the machine with Sora and its page cache. */
function sharedBuffersMb(): number {
  const totalMb = Deno.systemMemoryInfo().total / 2 ** 20;
  return Math.min(256, Math.max(32, 2 ** Math.floor(Math.log2(totalMb / 32))));
}
