import { networks, optionalSecret, secretFile, textLike } from "../setting_kinds.ts";
import { switchWithoutEffect, withoutEffect } from "./later.ts";
import { serverSettings } from "./mail_server_settings.ts";

/** WHY: a shorter key can be guessed. */
const API_KEY_MIN = 16;

/** `[servers.metrics]`. */
export const metricsSettings = {
  ...serverSettings("127.0.0.1:9090"),
  path: textLike("/metrics", "Where Prometheus reads.", {
    expected: 'a path such as "/metrics"',
    accept: (value) => /^\/[\w./~-]*$/.test(value),
  }),
  api_key: optionalSecret("Token that a reader shows (`Authorization: Bearer …`).", {
    env: "SORA_METRICS_API_KEY",
    min: API_KEY_MIN,
  }),
  api_key_file: secretFile("api_key"),
  allowed_hosts: networks([], "Who may read; empty = everyone who can connect."),
  enable_user_metrics: switchWithoutEffect("true or false", "Metrics by user."),
  enable_domain_metrics: switchWithoutEffect("true or false", "Metrics by domain."),
  user_metrics_threshold: withoutEffect("number", "Of enable_user_metrics."),
  max_tracked_users: withoutEffect("number", "Of enable_user_metrics."),
  hash_usernames: switchWithoutEffect("true or false", "Of enable_user_metrics."),
};
