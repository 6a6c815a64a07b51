import type { ImapServerConfig } from "../config/config.ts";
import type { Connection } from "../net/connection.ts";

/**
 * May a password be sent on this connection as it is? RFC 3501 §11.1: not in the clear over a
 * network, unless the operator says so; over loopback nobody listens in.
 */
export function loginAllowed(
  { remote }: Pick<Connection, "remote">,
  { insecureAuth }: Pick<ImapServerConfig, "insecureAuth">,
): boolean {
  return insecureAuth || isLoopback(remote.host);
}

function isLoopback(host: string): boolean {
  return host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
