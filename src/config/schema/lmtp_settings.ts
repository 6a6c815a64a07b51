import { withoutDefault } from "../setting.ts";
import { count, networks, optionalText, size } from "../setting_kinds.ts";
import { refusedSwitch, withoutEffect } from "./later.ts";
import { mailServerSettings } from "./mail_server_settings.ts";

/** WHY: a message is parsed as one piece; a larger one serves nobody. */
const MESSAGE_BYTES_MAX = 1024 ** 3;
const MESSAGE_BYTES_MIN = 1024;
/** RFC 5321 §4.5.3.1.8: at least 100 recipients must be accepted. */
const RECIPIENTS_MIN = 100;
const RECIPIENTS_MAX = 100_000;

/** `[servers.lmtp]`. */
export const lmtpSettings = {
  ...mailServerSettings({
    addr: "127.0.0.1:2424",
    maxConnections: 1000,
    commandTimeout: "Longest silence of a client.",
  }),
  max_message_size: size("50mb", "Largest message that is accepted.", {
    min: MESSAGE_BYTES_MIN,
    max: MESSAGE_BYTES_MAX,
    limits: "from 1kb to 1gb",
  }),
  max_recipients: count(1000, "Recipients of one message.", {
    min: RECIPIENTS_MIN,
    max: RECIPIENTS_MAX,
  }),
  hostname: optionalText(
    "Our name in the greeting and in Received; without it, the name of the machine.",
    { example: "mail.example.com" },
  ),
  trusted_networks: withoutDefault(
    networks(["10.0.0.0/8"], ""),
    "Who may connect; without it, the top-level trusted_networks.",
  ),
  redirect_rate_limit: withoutEffect("number", "Messages a user may redirect in a window."),
  redirect_rate_window: withoutEffect("duration", "Window of redirect_rate_limit."),
  max_redirect_hops: withoutEffect("number", "Redirects one message may pass."),
  remote_lookup: refusedSwitch("table", "Users that are looked up over HTTP.", {
    what: "Remote lookup",
    remedy: "set enabled = false",
  }),
  lmtp_command_timeouts: withoutEffect("table", "Longest time of single commands."),
};
