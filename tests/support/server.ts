import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** How a test wants its server; everything has a default. */
export interface ServerOptions {
  /** An existing data folder; by default a new temporary one, removed at the end. */
  readonly dataDir?: string;
  /** Protocol workers; 1 by default. */
  readonly workers?: number;
  /** More TOML, appended to the generated configuration. */
  readonly extra?: string;
  /** TOML for `[servers.imap]` beyond `start` and `addr`. */
  readonly imap?: string;
}

/** A real `sora` in a child process, on loopback ports of its own. */
export interface TestServer extends AsyncDisposable {
  readonly dataDir: string;
  readonly configFile: string;
  readonly imapPort: number;
  readonly lmtpPort: number;
  readonly metricsPort: number;
  readonly pid: number;
  /** Runs `sora-admin` with this server's configuration; throws when it fails. Answers stdout. */
  admin(...args: string[]): Promise<string>;
  createAccount(address: string, password: string): Promise<void>;
  /** SIGTERM, then the exit code. */
  stop(): Promise<number>;
  /** SIGKILL: what a crash leaves behind. */
  kill(): Promise<void>;
  /** Everything it has printed so far. */
  output(): string;
}

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Longest wait for a start: a first start initialises a database on a slow machine. */
const START_MS = 60_000;

/** Starts the real program from source and waits until it answers on its IMAP port. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const own = options.dataDir === undefined;
  const dataDir = options.dataDir ?? await Deno.makeTempDir({ prefix: "sora-test-" });
  if (own) await Deno.chmod(dataDir, 0o755);
  const [imapPort, lmtpPort, metricsPort] = [freePort(), freePort(), freePort()];
  const configFile = join(dataDir, "config.toml");
  await Deno.writeTextFile(
    configFile,
    `data_dir = ${JSON.stringify(join(dataDir, "data"))}
bcrypt_cost = 10
${options.extra ?? ""}
[runtime]
workers = ${options.workers ?? 1}
[servers.imap]
start = true
addr = "127.0.0.1:${imapPort}"
${options.imap ?? ""}
[servers.lmtp]
start = true
addr = "127.0.0.1:${lmtpPort}"
[servers.metrics]
start = true
addr = "127.0.0.1:${metricsPort}"
`,
  );
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(root, "main.ts"), "--config", configFile],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  let output = "";
  const reading = Promise.all([child.stdout, child.stderr].map(async (stream) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  }));
  let status: Deno.CommandStatus | undefined;
  const exited = child.status.then((s) => status = s);

  const finish = async (signal: Deno.Signal): Promise<number> => {
    if (!status) child.kill(signal);
    const { code } = await exited;
    await reading;
    return code;
  };

  const server: TestServer = {
    dataDir,
    configFile,
    imapPort,
    lmtpPort,
    metricsPort,
    pid: child.pid,
    output: () => output,
    stop: () => finish("SIGTERM"),
    kill: async () => void await finish("SIGKILL"),
    admin: (...args) => runAdmin([...args, "--config", configFile]),
    createAccount: async (address, password) => {
      await server.admin("accounts", "create", "--email", address, "--password", password);
    },
    async [Symbol.asyncDispose]() {
      if (!status) await finish("SIGTERM");
      if (own) await removeDataDir(dataDir);
    },
  };

  const deadline = Date.now() + START_MS;
  while (!(await answers(imapPort))) {
    if (status || Date.now() > deadline) {
      await finish("SIGKILL");
      if (own) await removeDataDir(dataDir);
      throw new Error(`sora did not start:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return server;
}

/** A port that nobody listens on now, below the ephemeral range so that no client takes it. */
export function freePort(): number {
  for (let tries = 0; tries < 200; tries++) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch {
      continue;
    }
  }
  throw new Error("Cannot find a free port");
}

/** Runs `sora-admin` from source. */
export async function runAdmin(args: readonly string[], stdin?: string): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(root, "admin.ts"), ...args],
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  if (stdin !== undefined) {
    const writer = command.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
  }
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder();
  if (code !== 0) {
    throw new Error(`sora-admin ${args[0]} exited with ${code}: ${text.decode(stderr)}`);
  }
  return text.decode(stdout);
}

async function answers(port: number): Promise<boolean> {
  try {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const n = await conn.read(new Uint8Array(64));
    return n !== null && n > 0;
  } catch {
    return false;
  }
}

/** A private PostgreSQL outlives a killed Sora: stop it before its folder goes. */
export async function removeDataDir(dataDir: string): Promise<void> {
  for await (const pid of postmasters(dataDir)) {
    try {
      Deno.kill(pid, "SIGQUIT");
    } catch {
      continue;
    }
    for (let i = 0; i < 200 && alive(pid); i++) await new Promise((r) => setTimeout(r, 10));
  }
  await Deno.remove(dataDir, { recursive: true }).catch(() => {});
}

async function* postmasters(folder: string): AsyncIterable<number> {
  let entries: Deno.DirEntry[] = [];
  try {
    entries = await Array.fromAsync(Deno.readDir(folder));
  } catch {
    return;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.name === "postmaster.pid") {
      const pid = Number.parseInt(await Deno.readTextFile(path), 10);
      if (pid > 1) yield pid;
    } else if (entry.isDirectory && !["base", "pg_wal", "blobs", "bodies"].includes(entry.name)) {
      yield* postmasters(path);
    }
  }
}

function alive(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}
