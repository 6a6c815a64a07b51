import { later } from "../setting.ts";
import { isEnabled, isFilled, isTable, refusedSwitch, withoutEffect } from "./later.ts";

const off = "set enabled = false";

/** Top-level sections that this version knows by name only. */
export const laterSections = {
  tls: refusedSwitch("table", "Certificates, Let's Encrypt included.", {
    what: "TLS",
    remedy: off,
  }),
  cluster: refusedSwitch("table", "Several nodes that act as one.", {
    what: "Clustering",
    remedy: off,
  }),
  spam_training: refusedSwitch("table", "Moves into and out of Junk train a filter.", {
    what: "Spam training",
    remedy: off,
  }),
  relay: later({ kind: "table", text: "Where redirected mail and vacation answers go." }, {
    verdict: "problem",
    what: "Relaying",
    asks: asksForRelay,
  }),
  sieve: withoutEffect("table", "Limits of Sieve scripts."),
  health: withoutEffect("table", "Checks of Sora's own parts."),
  auth_cache: withoutEffect("table", "Verified passwords kept on disk."),
  admin_cli: withoutEffect("table", "How sora-admin reaches the HTTP API."),
  timeout_scheduler: withoutEffect("table", "Of the Go implementation."),
};

/** Server types that this version knows by name only, with their names for people. */
export const laterServers: Readonly<Record<string, string>> = {
  pop3: "POP3",
  managesieve: "ManageSieve",
  imap_proxy: "The IMAP proxy",
  pop3_proxy: "The POP3 proxy",
  managesieve_proxy: "The ManageSieve proxy",
  lmtp_proxy: "The LMTP proxy",
  http_admin_api: "The HTTP API",
  http_user_api: "The HTTP user API",
  user_api_proxy: "The user API proxy",
};

function asksForRelay(value: unknown): boolean {
  if (!isTable(value)) return false;
  const { type, queue } = value;
  return (typeof type === "string" && isFilled(type)) || isEnabled(queue);
}
