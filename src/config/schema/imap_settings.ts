import { withoutDefault } from "../setting.ts";
import { count, duration, flag, size, text, words } from "../setting_kinds.ts";
import { detail, refusedSwitch, switchWithoutEffect, withoutEffect } from "./later.ts";
import { mailServerSettings } from "./mail_server_settings.ts";

/** RFC 3501 §5.4: an autologout timer must be at least 30 minutes. */
const IDLE_TIMEOUT_MS_MIN = 30 * 60_000;
/** WHY: a message is parsed and searched as one piece; a larger one serves nobody. */
const APPEND_LIMIT_BYTES_MAX = 1024 ** 3;
const APPEND_LIMIT_BYTES_MIN = 1024;
/** WHY: RFC 9051 §9: no mailbox has more messages. */
const MESSAGE_LIMIT_MAX = 4_294_967_295;

const SEARCHES_MAX = 1_000_000_000;
const SEARCH_WINDOW_MS_MIN = 1_000;

/** `[servers.imap]`. */
export const imapSettings = {
  ...mailServerSettings({
    addr: "127.0.0.1:1143",
    maxConnections: 20_000,
    commandTimeout:
      "Longest silence of a client that has not logged in, or in the middle of a command.",
  }),
  idle_timeout: duration(
    "35m",
    "Longest silence of a client that has logged in, IDLE included (RFC 3501 §5.4: at least 30m).",
    { min: IDLE_TIMEOUT_MS_MIN },
  ),
  append_limit: size("25mb", "Largest message that APPEND accepts.", {
    min: APPEND_LIMIT_BYTES_MIN,
    max: APPEND_LIMIT_BYTES_MAX,
    limits: "from 1kb to 1gb",
  }),
  insecure_auth: withoutDefault(
    flag(true, ""),
    "Accept passwords on connections without TLS; without this key, yes if tls = false.",
  ),
  session_memory_limit: size(
    "100mb",
    "Most memory that one session may take for literals, messages and saved results; 0 = no limit.",
  ),
  message_limit: count(
    0,
    "Most messages that one command processes (RFC 9738 MESSAGELIMIT); 0 = no limit.",
    { min: 0, max: MESSAGE_LIMIT_MAX },
  ),
  disabled_caps: words("Capabilities that are neither announced nor served.", {
    example: ["IDLE"],
  }),
  additional_caps: words("Tokens that are announced beside the capabilities, without any effect.", {
    example: ["X-EXAMPLE"],
  }),
  id_name: text("Sora", "Name in the answer to ID (RFC 2971); empty = not told."),
  id_version: text("", "Version in the answer to ID; empty = Sora's own."),
  id_vendor: text("", "Vendor in the answer to ID; empty = not told."),
  id_support_url: text("", "Support address in the answer to ID; empty = not told."),
  search_rate_limit_per_min: count(
    0,
    "Searches (SEARCH, SORT, THREAD, ESEARCH) that a user may start in a minute, in each worker; 0 = any.",
    { min: 0, max: SEARCHES_MAX },
  ),
  search_rate_limit_window: duration(
    "1m",
    "Span in which searches are counted; the number above is for a minute of it.",
    { min: SEARCH_WINDOW_MS_MIN },
  ),
  max_search_results: count(
    0,
    "Results above which a search is refused with NO [LIMIT], never cut short; none for ALL, numbers and flags; 0 = any number.",
    { min: 0, max: SEARCHES_MAX },
  ),
  max_complex_sort_results: count(
    0,
    "Messages above which SORT by text and THREAD are refused with NO [LIMIT]; 0 = any number.",
    { min: 0, max: SEARCHES_MAX },
  ),
  client_filters: withoutEffect("list of tables", "Capabilities hidden from certain clients."),
  master_username: withoutEffect("text", "A user who may log in as any other."),
  master_password: detail("secret", "Password of master_username."),
  master_sasl_username: withoutEffect("text", "A user who may authenticate as any other."),
  master_sasl_password: detail("secret", "Password of master_sasl_username."),
  master_sasl_allowed_networks: detail("list of networks", "Where master logins may come from."),
  lookup_cache: switchWithoutEffect("table", "Cache of verified passwords."),
  remote_lookup: refusedSwitch("table", "Users that are looked up over HTTP.", {
    what: "Remote lookup",
    remedy: "set enabled = false",
  }),
  imap_command_timeouts: withoutEffect("table", "Longest time of single commands."),
};

/** True for an atom that may stand in a CAPABILITY answer: RFC 3501 §9, ATOM-CHAR and "]". */
export function isCapability(value: string): boolean {
  return /^[!#$&'+,./0-9:;<=>?@A-Z[\]^_`a-z|}~-]+$/.test(value);
}
