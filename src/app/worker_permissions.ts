import type { Config, DatabaseConfig, DatabaseEndpoint } from "../config/config.ts";
import type { DataFolders } from "./worker_protocol.ts";

/**
 * QUIRK: pg 8.23.1 asks for `PG` and each option's name, even when the option is set, for USER (USERNAME on
 * Windows) and NODE_PG_FORCE_NATIVE when it is loaded, and throws when it may not ask.
 */
const ENVIRONMENT = ["PG*", "NODE_PG_FORCE_NATIVE", "USER", "USERNAME"];

/**
 * What a protocol worker may do: listen where the configuration says, talk to the database, and
 * read and write its two folders. It cannot run programs, load native code or import modules that
 * were not in its graph.
 */
export function workerPermissions(
  config: Config & { readonly database: DatabaseConfig },
  { bodies, spool }: DataFolders,
): Deno.PermissionOptionsObject {
  const endpoints = [config.database.write, ...config.database.read];
  const sockets = endpoints.flatMap(socketPaths);
  const files = [bodies, spool, ...sockets];
  return {
    // QUIRK: Deno 2.9 wants all three for a unix socket: net, and read and write on its path.
    net: [
      ...listening(config),
      ...endpoints.flatMap(hosts),
      ...sockets.map((path) => `unix:${path}`),
    ],
    read: files,
    write: files,
    env: ENVIRONMENT,
    run: false,
    ffi: false,
    sys: false,
    import: false,
  };
}

function listening({ servers }: Config): string[] {
  return servers.filter(({ type }) => type !== "metrics").flatMap(({ addr: { host, port } }) =>
    // WHY: net/listener takes "::" where no host is given, and 0.0.0.0 where there is no IPv6.
    host === "" ? [`[::]:${port}`, `0.0.0.0:${port}`] : [hostPort(host, port)]
  );
}

function hosts({ hosts, port }: DatabaseEndpoint): string[] {
  return hosts.filter((host) => !isSocketFolder(host)).map((host) => hostPort(host, port));
}

function socketPaths({ hosts, port }: DatabaseEndpoint): string[] {
  return hosts.filter(isSocketFolder).map((folder) => `${folder}/.s.PGSQL.${port}`);
}

/** As in libpq: a host that begins with a slash is the folder of a unix socket. */
function isSocketFolder(host: string): boolean {
  return host.startsWith("/");
}

function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
