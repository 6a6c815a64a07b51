import type { Address, Config } from "../config/config.ts";
import { formatListenAddress } from "../config/listen_address.ts";
import { VERSION } from "../lib/version.ts";
import type { DemoAccount } from "./demo_account.ts";

export interface SummaryOptions {
  readonly config: Config;
  readonly dataDir: string;
  readonly workers: number;
  /** "PostgreSQL 15.18 (private)" or the host's name. */
  readonly database: string;
  readonly demo: DemoAccount | null;
}

/** What a person at the terminal is told once everything listens. */
export function summary(options: SummaryOptions): string {
  const { config, dataDir, workers, database, demo } = options;
  const count = workers === 1 ? "1 worker" : `${workers} workers`;
  const lines = [
    `Sora ${VERSION} is running with ${count}`,
    "",
    `  data      ${dataDir}`,
    `  database  ${database}`,
    ...config.servers.map(({ type, addr }) => `  ${type.padEnd(8)}  ${formatListenAddress(addr)}`),
    "",
  ];
  if (demo) {
    lines.push(
      `Demo account (the password is shown this once):`,
      `  address   ${demo.address}`,
      `  password  ${demo.password}`,
      "",
    );
  }
  const imap = config.servers.find(({ type }) => type === "imap");
  if (imap) lines.push(`Try:  ${curl(imap.addr, demo)}`, "");
  return lines.join("\n");
}

function curl(addr: Address, demo: DemoAccount | null): string {
  const user = demo ? `${demo.address}:${demo.password}` : "ADDRESS:PASSWORD";
  const at = formatListenAddress({ ...addr, host: reachable(addr.host) });
  return `curl -u ${user} imap://${at}/INBOX -X 'STATUS INBOX (MESSAGES UNSEEN)'`;
}

/** An address that a client on this machine can use. */
function reachable(host: string): string {
  return ["", "::", "0.0.0.0"].includes(host) ? "127.0.0.1" : host;
}
