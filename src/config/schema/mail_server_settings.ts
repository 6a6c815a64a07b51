import { count, duration, flag, listenAddress, optionalText } from "../setting_kinds.ts";
import { durability } from "./uploader_settings.ts";
import { detail, refusedSwitch, switchWithoutEffect, withoutEffect } from "./later.ts";

/** WHY: one process has at most about a million sockets; a larger number is a slip. */
const CONNECTIONS_MAX = 1_000_000;
/** WHY: shorter than this, and ordinary clients on slow links are cut off. */
const COMMAND_TIMEOUT_MS_MIN = 1000;
const SESSION_TIMEOUT_MS_MIN = 60_000;

/** What listeners of every kind have in common. */
export function serverSettings(addr: string) {
  return {
    start: flag(true, "A server that is written down is started; false keeps it off."),
    name: optionalText("Name in logs and metrics; without it, the type.", { example: "internal" }),
    addr: listenAddress(addr, "Where to listen; port 0 takes a free one."),
    tls: refusedSwitch("true or false", "TLS from the first octet.", {
      what: "TLS",
      remedy: "set tls = false",
    }),
    tls_cert_file: detail("path", "Certificate chain of the server."),
    tls_key_file: detail("path", "Key of the certificate."),
    tls_verify: detail("true or false", "Ask clients for a certificate."),
    tls_use_starttls: refusedSwitch("true or false", "TLS by STARTTLS.", {
      what: "TLS",
      remedy: "set tls_use_starttls = false",
    }),
    tls_default_domain: detail("text", "Whose certificate is shown to clients that name none."),
  };
}

/** What IMAP and LMTP listeners have in common. */
export function mailServerSettings(
  { addr, maxConnections, commandTimeout }: {
    readonly addr: string;
    readonly maxConnections: number;
    readonly commandTimeout: string;
  },
) {
  return {
    ...serverSettings(addr),
    debug: flag(false, "Log every command; never passwords or messages."),
    max_connections: count(maxConnections, "Sessions at a time; 0 = no limit.", {
      min: 0,
      max: CONNECTIONS_MAX,
    }),
    max_connections_per_ip: count(0, "Sessions at a time from one address; 0 = no limit.", {
      min: 0,
      max: CONNECTIONS_MAX,
    }),
    command_timeout: duration("5m", commandTimeout, { min: COMMAND_TIMEOUT_MS_MIN }),
    absolute_session_timeout: duration("24h", "Longest session, busy or not.", {
      min: SESSION_TIMEOUT_MS_MIN,
    }),
    min_bytes_per_minute: count(
      1024,
      "Slowest client that is still served while it sends a command; 0 = the default, -1 = not checked.",
      { min: -1, max: 1_000_000_000 },
    ),
    durability: durability(),
    proxy_protocol: refusedSwitch(
      "true or false, or a table",
      "The PROXY protocol is spoken to us.",
      {
        what: "The PROXY protocol",
        remedy: "set proxy_protocol = false (enabled = false in a table)",
      },
    ),
    proxy_protocol_timeout: detail("duration", "Longest wait for the PROXY header."),
    auth_rate_limit: switchWithoutEffect("table", "Protection against guessing of passwords."),
    max_connections_per_user: withoutEffect("number", "Sessions at a time of one account."),
    max_connections_per_user_per_ip: withoutEffect(
      "number",
      "Sessions at a time of one account from one address.",
    ),
    listen_backlog: withoutEffect("number", "Connections that wait to be accepted."),
    scheduler_shard_count: detail("number", "Of the Go implementation; means nothing here."),
  };
}
