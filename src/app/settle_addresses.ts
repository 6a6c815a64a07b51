import type { Config, ServerConfig } from "../config/config.ts";
import { formatListenAddress } from "../config/listen_address.ts";
import { trialListen } from "../net/trial_listen.ts";
import { exitCodes, StartFailure } from "./exit_codes.ts";

/**
 * Makes sure that every server can listen where it should, and settles which port a 0 means, so
 * that all workers take the same one.
 *
 * @throws {StartFailure} addressInUse, naming every server whose address cannot be had
 */
export function settleAddresses<C extends Config>(config: C): C {
  // WHY held until the end: two of our own servers must not be given one address either.
  using held = new DisposableStack();
  const problems: string[] = [];
  const servers = config.servers.map((server) => {
    try {
      const { port } = held.use(trialListen(server.addr));
      return { ...server, addr: { ...server.addr, port } };
    } catch (error) {
      problems.push(`servers.${server.name}.addr: ${describe(server, error)}`);
      return server;
    }
  });
  if (problems.length > 0) throw new StartFailure(exitCodes.addressInUse, problems.join("\n"));
  return { ...config, servers };
}

function describe({ type, addr }: ServerConfig, error: unknown): string {
  const where = `cannot listen on ${formatListenAddress(addr)}`;
  if (error instanceof Deno.errors.AddrInUse) {
    const option = type === "metrics" ? "" : ` (without --config: --${type}-port N)`;
    return `${where}: the port is in use; give another addr${option}`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `${where}: this machine does not have this address`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `${where}: permission denied (ports below 1024 need root or CAP_NET_BIND_SERVICE)`;
  }
  return `${where}: ${error instanceof Error ? error.message : String(error)}`;
}
