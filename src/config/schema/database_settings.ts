import { z } from "zod";
import { isHost } from "../listen_address.ts";
import { optionalSection, section, sections, withoutDefault } from "../setting.ts";
import {
  count,
  duration,
  flag,
  oneOrMore,
  optionalSecret,
  port,
  secretFile,
  text,
} from "../setting_kinds.ts";
import { withoutEffect } from "./later.ts";

/** WHY: PostgreSQL itself allows no more; a larger number is a slip. */
const CONNECTIONS_MAX = 10_000;
/** WHY: a statement that gets less time than this never succeeds on a busy server. */
const TIMEOUT_MS_MIN = 100;

/** `[database.write]`: the primary. */
const writeSettings = {
  hosts: oneOrMore(
    ["localhost"],
    "Host names, addresses or folders of a unix socket, optionally with a port; tried in this " +
      "order, the one that worked last before all others.",
    { expected: 'a list of host names such as ["db1", "db2:5433"]', accept: isDatabaseHost },
  ),
  port: port(5432, "Port of the hosts that name none."),
  user: text("postgres", "Role to connect as."),
  password: optionalSecret("Password of the role.", { env: "SORA_DATABASE_PASSWORD" }),
  password_file: secretFile("password"),
  name: text("sora_mail_db", "Name of the database."),
  tls: flag(false, "Connect over TLS, certificate verified."),
  max_connections: count(
    40,
    "Most connections of this server: 4 for itself, the rest divided among its workers, 5 for each at least.",
    { min: 1, max: CONNECTIONS_MAX },
  ),
  min_connections: count(0, "Connections that are kept open, divided among the workers.", {
    min: 0,
    max: CONNECTIONS_MAX,
  }),
  max_conn_lifetime: duration("1h", "A connection is renewed after this time; 0 = never."),
  max_conn_idle_time: duration("30m", "A connection without work is closed after this time."),
  min_idle_connections: withoutEffect("number", "Connections kept ready."),
  query_timeout: withoutEffect("duration", "Use query_timeout of [database]."),
};

/** `[database.read]` or `[[database.read]]`: replicas; what is missing is as in `[database.write]`. */
const readSettings = {
  hosts: withoutDefault(writeSettings.hosts, "The replicas; each takes its share of the reads."),
  port: withoutDefault(writeSettings.port, "As in database.write."),
  user: withoutDefault(writeSettings.user, "As in database.write."),
  password: optionalSecret("As in database.write.", { env: null }),
  password_file: secretFile("password"),
  name: withoutDefault(writeSettings.name, "As in database.write."),
  tls: withoutDefault(writeSettings.tls, "As in database.write."),
  max_connections: withoutDefault(writeSettings.max_connections, "As in database.write."),
  min_connections: withoutDefault(writeSettings.min_connections, "As in database.write."),
  max_conn_lifetime: withoutDefault(writeSettings.max_conn_lifetime, "As in database.write."),
  max_conn_idle_time: withoutDefault(writeSettings.max_conn_idle_time, "As in database.write."),
  min_idle_connections: withoutEffect("number", "Connections kept ready."),
  query_timeout: withoutEffect("duration", "Use query_timeout of [database]."),
};

/** The keys of `[database]` itself. */
const databaseSettings = {
  query_timeout: duration("30s", "Longest ordinary statement.", { min: TIMEOUT_MS_MIN }),
  search_timeout: duration("60s", "Longest search.", { min: TIMEOUT_MS_MIN }),
  write_timeout: duration("10s", "Longest statement that changes something.", {
    min: TIMEOUT_MS_MIN,
  }),
  lock_timeout: duration("10s", "Longest wait for a lock.", { min: TIMEOUT_MS_MIN }),
  migration_timeout: duration("2m", "Longest wait for another node that migrates.", {
    min: TIMEOUT_MS_MIN,
  }),
  debug: flag(false, "Log every statement; never its parameters."),
  fetch_chunk_size: withoutEffect("number", "Of the Go implementation."),
  write: section("The primary: every write goes here.", writeSettings),
  read: z.array(z.strictObject(readSettings)).prefault([]).register(sections, {
    text: "Replicas, for reads that may lag a little. Without them the primary answers everything.",
  }),
};

/** `[database]`. */
export const databaseSection = optionalSection(
  "PostgreSQL 14 or newer. Without this section Sora runs a private PostgreSQL in `data_dir`.",
  databaseSettings,
);

/** A host of `hosts`, with its port if it names one; undefined when it is neither host nor socket. */
export function databaseHost(text: string): { host: string; port: number | null } | undefined {
  if (text.startsWith("/")) return { host: text, port: null };
  if (isHost(text)) return { host: text, port: null };
  const [, bracketed, bare, digits = ""] = /^(?:\[(.*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? bare ?? "";
  const number = Number(digits);
  if (!isHost(host) || number > 65535 || (digits !== "" && number === 0)) return undefined;
  return { host, port: digits === "" ? null : number };
}

function isDatabaseHost(value: string): boolean {
  return databaseHost(value) !== undefined;
}
