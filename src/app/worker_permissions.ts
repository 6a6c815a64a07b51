import type { Config, DatabaseConfig, DatabaseEndpoint, S3Config } from "../config/config.ts";
import { credentialAccess } from "./credential_access.ts";
import type { StagingSettings } from "./staging_settings.ts";
import type { DataFolders } from "./worker_protocol.ts";

/**
 * QUIRK: pg 8.23.1 asks for `PG` and the name of each option, even of those that are set, and for
 * USER (USERNAME on Windows) and NODE_PG_FORCE_NATIVE when it is loaded; it throws when it may not.
 */
const PG_ENVIRONMENT = ["PG*", "NODE_PG_FORCE_NATIVE", "USER", "USERNAME"];
/**
 * QUIRK: @aws-sdk/client-s3 3.1169.0 looks for settings it does not need in the environment and in
 * the home folder (which stays closed where keys are configured), and puts the system's release into its User-Agent.
 */
const S3_ENVIRONMENT = [
  "AWS_*",
  "_X_AMZN_TRACE_ID",
  "HOME",
  "HOMEDRIVE",
  "HOMEPATH",
  "USERPROFILE",
];
const S3_SYSTEM: "osRelease"[] = ["osRelease"];

/**
 * What a protocol worker may do: listen where the configuration says, talk to the database and the
 * object store, and read and write the folders of bodies, spool, staging and cache. It cannot run programs, load native code or
 * import modules that were not in its graph.
 */
export function workerPermissions(
  config: Config & { readonly database: DatabaseConfig },
  { bodies, spool }: DataFolders,
  staging: StagingSettings | null = null,
): Deno.PermissionOptionsObject {
  const endpoints = [config.database.write, ...config.database.read];
  const sockets = endpoints.flatMap(socketPaths);
  const staged = staging ? [staging.place.uploads, staging.place.cache] : [];
  const files = [bodies, spool, ...staged, ...sockets];
  const bucket = config.s3 ? [objectStore(config.s3)] : [];
  const credentials = config.s3 ? credentialAccess(config.s3, Deno.env.toObject()) : null;
  return {
    // QUIRK: Deno 2.9 wants all three for a unix socket: net, and read and write on its path.
    net: [
      ...listening(config),
      ...endpoints.flatMap(hosts),
      ...sockets.map((path) => `unix:${path}`),
      ...bucket,
      ...credentials?.net ?? [],
    ],
    read: [...files, ...credentials?.read ?? []],
    write: files,
    env: config.s3 ? [...PG_ENVIRONMENT, ...S3_ENVIRONMENT] : PG_ENVIRONMENT,
    run: false,
    ffi: false,
    sys: config.s3 ? S3_SYSTEM : false,
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

function objectStore({ endpoint, useSsl }: S3Config): string {
  return /:\d+$/.test(endpoint) ? endpoint : `${endpoint}:${useSsl ? 443 : 80}`;
}

/** As in libpq: a host that begins with a slash is the folder of a unix socket. */
function isSocketFolder(host: string): boolean {
  return host.startsWith("/");
}

function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
