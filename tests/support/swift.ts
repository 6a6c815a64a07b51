import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { join } from "node:path";
import type { S3Config } from "../../src/config/config.ts";
import { freePort } from "./server.ts";
import { swiftServerConf, swiftStorageConf } from "./swift_conf.ts";

/** A real S3 server that is not ours: Debian's Swift with s3api, one of each daemon, on loopback. */
export interface Swift extends AsyncDisposable {
  /** A new, empty bucket, as S3Blobs is told of it. */
  bucket(): Promise<S3Config>;
}

/** tempauth's account and key. */
const ACCESS_KEY = "test:tester";
const SECRET_KEY = "testing";
const REGION = "us-east-1";
const SERVERS = ["account", "container", "object"] as const;
/** WHY: Python loads for some seconds; under load for a minute. */
const START_MAX_MS = 120_000;

/** What is missing to start it; null when nothing is. Debian's packages have these names. */
export async function missingForSwift(): Promise<string | null> {
  const needed: Readonly<Record<string, string>> = {
    "swift-proxy-server": "swift-proxy",
    "swift-account-server": "swift-account",
    "swift-container-server": "swift-container",
    "swift-object-server": "swift-object",
    "swift-ring-builder": "swift",
    "memcached": "memcached",
  };
  for (const [program, name] of Object.entries(needed)) {
    const { success } = await new Deno.Command("sh", {
      args: ["-c", `command -v ${program}`],
      stdout: "null",
    }).output();
    if (!success) return `Debian package ${name} is not installed`;
  }
  return null;
}

/** Resolves when it answers. */
export async function startSwift(): Promise<Swift> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "sora-swift-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const [port, cachePort] = [freePort(), freePort()];
  const isRoot = Deno.uid() === 0;
  const user = isRoot ? "swift" : (await output("id", ["-un"])).trim();
  const at = { folder, port, cachePort, user };
  for (const name of ["etc", "srv/sdb1", "cache"]) {
    await Deno.mkdir(join(folder, name), { recursive: true });
  }
  await Deno.writeTextFile(
    join(folder, "etc/swift.conf"),
    "[swift-hash]\nswift_hash_path_suffix = t\nswift_hash_path_prefix = t\n" +
      "[storage-policy:0]\nname = gold\ndefault = yes\n",
  );
  const started: [string, string[]][] = [];
  const ports = [cachePort, port];
  for (const server of SERVERS) {
    const storage = { ...at, port: freePort() };
    ports.push(storage.port);
    await makeRing(join(folder, "etc"), server, storage.port);
    await Deno.writeTextFile(
      join(folder, `etc/${server}-server.conf`),
      swiftStorageConf(server, storage),
    );
    started.push([`swift-${server}-server`, [join(folder, `etc/${server}-server.conf`)]]);
  }
  await Deno.writeTextFile(join(folder, "etc/proxy-server.conf"), swiftServerConf(at));
  started.push(["swift-proxy-server", [join(folder, "etc/proxy-server.conf")]]);
  started.push(["memcached", ["-u", user, "-l", "127.0.0.1", "-p", `${cachePort}`, "-m", "16"]]);
  if (isRoot) {
    await Deno.chmod(folder, 0o755);
    await output("chown", ["-R", user, folder]);
  }
  for (const [program, args] of started) stack.use(spawn(program, args, folder));
  // WHY all: a proxy that asks too early leaves a server alone for a minute.
  for (const one of ports) await untilOpen(one);
  const config = configFor(port);
  const client = clientFor(config);
  stack.defer(() => client.destroy());
  const closing = stack.move();
  return {
    async bucket() {
      const Bucket = `b${crypto.randomUUID()}`;
      await client.send(new CreateBucketCommand({ Bucket }));
      return { ...config, bucket: Bucket };
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

function configFor(port: number): S3Config {
  return {
    endpoint: `127.0.0.1:${port}`,
    region: REGION,
    bucket: "",
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    useSsl: false,
    timeoutMs: 20_000,
    hedgeAfterMs: 0,
    breakerFailures: 10,
    breakerOpenMs: 1_000,
    debug: false,
  };
}

function clientFor({ endpoint, region }: S3Config): S3Client {
  return new S3Client({
    endpoint: `http://${endpoint}`,
    region,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
}

async function makeRing(etc: string, server: string, port: number): Promise<void> {
  const device = ["--region", "1", "--zone", "1", "--ip", "127.0.0.1", "--port", `${port}`];
  const builder = join(etc, `${server}.builder`);
  for (
    const args of [
      ["create", "4", "1", "1"],
      ["add", ...device, "--device", "sdb1", "--weight", "1"],
      ["rebalance"],
    ]
  ) {
    await output("swift-ring-builder", [builder, ...args]);
  }
}

function spawn(program: string, args: string[], folder: string): AsyncDisposable {
  const child = new Deno.Command(program, {
    args,
    cwd: folder,
    env: { EVENTLET_NO_GREENDNS: "yes" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL"); // WHY: SIGTERM has Swift wait for its clients.
      } catch {
        // It has ended already.
      }
      await child.status;
    },
  };
}

async function output(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${text.decode(stderr)}`);
  return text.decode(stdout);
}

async function untilOpen(port: number): Promise<void> {
  const end = performance.now() + START_MAX_MS;
  while (performance.now() < end) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error("Swift did not start");
}
