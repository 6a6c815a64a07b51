import { type MetricFamilies, SECONDS } from "./metric_families.ts";

/** Seconds; from a health probe to a day in IDLE. */
const SESSION_SECONDS = [0.1, 1, 10, 60, 300, 1800, 3600, 14_400, 86_400];
/** Octets; from a short note to the largest message that a listener takes by default. */
const SIZES = [1e3, 1e4, 1e5, 1e6, 5e6, 1e7, 2.5e7, 5e7];

/** What listeners and sessions count: connections, logins, commands, and the mail that they take and give. */
export function sessionMetrics(families: MetricFamilies) {
  return {
    connectionsTotal: families.counter("connections_total", "Connections accepted.", [
      "protocol",
      "server_name",
    ]),
    connectionsCurrent: families.gauge("connections_current", "Connections open now.", [
      "protocol",
      "server_name",
    ]),
    authenticatedConnectionsCurrent: families.gauge(
      "authenticated_connections_current",
      "Connections open now whose user has logged in.",
      ["protocol", "server_name"],
    ),
    connectionDuration: families.histogram(
      "connection_duration_seconds",
      "How long connections lasted.",
      ["protocol", "server_name"],
      SESSION_SECONDS,
    ),
    /** reason: idle | absolute | slow | command. */
    connectionTimeoutsTotal: families.counter(
      "connection_timeouts_total",
      "Connections that Sora closed because a time limit was reached.",
      ["protocol", "server_name", "reason"],
    ),
    /** reason: max_connections | max_connections_per_ip | not_trusted. */
    connectionsRefusedTotal: families.counter(
      "connections_refused_total",
      "Connections that were closed before a session began.",
      ["protocol", "server_name", "reason"],
    ),
    /** result: success | failure | error. */
    authenticationAttemptsTotal: families.counter(
      "authentication_attempts_total",
      "Login attempts.",
      ["protocol", "server_name", "result"],
    ),
    /** result: hit | miss. */
    authCacheOperationsTotal: families.counter(
      "auth_cache_operations_total",
      "Look-ups in the cache of verified passwords.",
      ["result"],
    ),
    /** result: success | failure | error. */
    passwordVerificationAttemptsTotal: families.counter(
      "password_verification_attempts_total",
      "Passwords compared with a stored hash.",
      ["hash_type", "result"],
    ),
    /** status: ok | no | bad | error, or the first digit of an LMTP reply with `xx`. */
    commandsTotal: families.counter("commands_total", "Commands executed.", [
      "protocol",
      "command",
      "status",
    ]),
    commandDuration: families.histogram(
      "command_duration_seconds",
      "Time from a whole command to its final reply.",
      ["protocol", "command"],
      SECONDS,
    ),
    /** severity: client_error | server_error. */
    protocolErrorsTotal: families.counter(
      "protocol_errors_total",
      "Commands that broke the protocol or failed in Sora.",
      ["protocol", "command", "error_type", "severity"],
    ),
    imapIdleConnectionsCurrent: families.gauge(
      "imap_idle_connections_current",
      "IMAP sessions in IDLE now.",
      [],
    ),
    /** operation: delivered | duplicate | appended | fetched | copied | moved | expunged; status: success | failure. */
    messagesThroughputTotal: families.counter(
      "messages_throughput_total",
      "Messages handled.",
      ["protocol", "operation", "status"],
    ),
    /** direction: in | out. */
    bytesThroughputTotal: families.counter(
      "bytes_throughput_total",
      "Octets read from and written to clients.",
      ["protocol", "direction"],
    ),
    messageSizeBytes: families.histogram(
      "message_size_bytes",
      "Size of the messages taken in.",
      ["protocol"],
      SIZES,
    ),
    deliveryDuration: families.histogram(
      "delivery_duration_seconds",
      "Time from the last octet of a message to its reply for one recipient.",
      ["protocol"],
      SECONDS,
    ),
  };
}
