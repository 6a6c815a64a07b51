/** Where one of Swift's daemons is. */
export interface SwiftPlace {
  readonly folder: string;
  readonly port: number;
  /** memcached's. */
  readonly cachePort: number;
  readonly user: string;
}

/** The configuration of an account, container or object server. */
export function swiftStorageConf(
  server: string,
  { folder, port, user }: SwiftPlace,
): string {
  return `${common(folder, port, user)}devices = ${folder}/srv
mount_check = false
fallocate_reserve = 0
disable_fallocate = true
recon_cache_path = ${folder}/cache
[pipeline:main]
pipeline = ${server}-server
[app:${server}-server]
use = egg:swift#${server}
`;
}

/** The configuration of the proxy, which speaks S3. */
export function swiftServerConf({ folder, port, cachePort, user }: SwiftPlace): string {
  const filters = [
    "catch_errors",
    "gatekeeper",
    "healthcheck",
    "cache",
    "listing_formats",
    "bulk",
    "s3api",
    "tempauth",
    "copy",
    "slo",
    "versioned_writes",
    "symlink",
  ];
  const options: Readonly<Record<string, string>> = {
    cache: `memcache_servers = 127.0.0.1:${cachePort}\n`,
    s3api: "location = us-east-1\ns3_acl = false\n",
    tempauth: "user_test_tester = testing .admin\n",
    slo: "min_segment_size = 1\n",
  };
  const sections = filters.map((name) => {
    const egg = name === "cache" ? "memcache" : name;
    return `[filter:${name}]\nuse = egg:swift#${egg}\n${options[name] ?? ""}`;
  });
  return `${common(folder, port, user)}[pipeline:main]
pipeline = ${filters.join(" ")} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
${sections.join("")}`;
}

function common(folder: string, port: number, user: string): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${user}
swift_dir = ${folder}/etc
log_level = WARNING
`;
}
