/** Another name of a setting, from an older version or the other dialect. */
export interface Alias {
  /** The other name, dotted. */
  readonly from: string;
  /** The name that the schema knows, dotted. */
  readonly to: string;
  /** What the value becomes on the way. */
  readonly convert?: (value: unknown) => unknown;
}

/** At the top level, in this order. */
export const rootAliases: readonly Alias[] = [
  { from: "log_output", to: "logging.output" },
  { from: "log_format", to: "logging.format" },
  { from: "log_level", to: "logging.level" },
  { from: "relay_queue", to: "relay.queue" },
  { from: "upload", to: "uploader" },
  { from: "uploader.workers", to: "uploader.concurrency" },
  { from: "s3.disable_tls", to: "s3.use_ssl", convert: inverted },
  { from: "shared_mailboxes.allow_anyone_identifier", to: "shared_mailboxes.allow_anyone" },
  { from: "database.read_endpoints", to: "database.read" },
  ...flatDatabase(),
];

/** In `[database.write]` and in every `[database.read]`. */
export const endpointAliases: readonly Alias[] = [
  { from: "host", to: "hosts" },
  { from: "username", to: "user" },
  { from: "dbname", to: "name" },
  { from: "max_conns", to: "max_connections" },
  { from: "min_conns", to: "min_connections" },
  { from: "use_ssl", to: "tls" },
];

/** In every server. */
export const serverAliases: readonly Alias[] = [
  { from: "prelookup", to: "remote_lookup" },
];

/** Tables whose settings may as well stand directly in the server. */
export const serverGroups: readonly string[] = ["limits", "timeouts"];

/** Other names of server types. */
export const typeAliases: Readonly<Record<string, string>> = { http_api: "http_admin_api" };

/** Other spellings of values, by setting. */
export const valueAliases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "logging.level": { warn: "warning" },
  "logging.format": { text: "console" },
};

/** The flat dialect: the primary's settings directly in `[database]`. */
function flatDatabase(): Alias[] {
  const names = [
    ...["host", "hosts", "port", "user", "username", "password", "password_file", "dbname", "name"],
    ...["tls", "use_ssl", "max_conns", "max_connections", "min_conns", "min_connections"],
    ...["min_idle_connections", "max_conn_lifetime", "max_conn_idle_time"],
  ];
  return names.map((name) => ({ from: `database.${name}`, to: `database.write.${name}` }));
}

function inverted(value: unknown): unknown {
  return typeof value === "boolean" ? !value : value;
}
