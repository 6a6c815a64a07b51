import { fileURLToPath } from "node:url";
import { removeDataDir } from "../support/server.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The real `sora` in a child process, with whatever arguments a test wants. */
export class Program implements AsyncDisposable {
  /** Everything it has printed so far. */
  stdout = "";
  stderr = "";
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  #heard = Promise.withResolvers<void>();
  #ended = false;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${root}main.ts`, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1", ...env },
    }).spawn();
    this.#reading = Promise.all([
      this.#read(this.#child.stdout, (text) => this.stdout += text),
      this.#read(this.#child.stderr, (text) => this.stderr += text),
    ]);
    void this.#reading.then(() => {
      this.#ended = true;
      this.#heard.resolve();
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Waits until what it prints matches; throws when it ends without. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (found) return found;
      if (this.#ended) throw new Error(`no ${pattern} in:\n${this.stdout}\n${this.stderr}`);
      await this.#heard.promise;
    }
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Its exit code, once it has ended and all it printed is here. */
  async exit(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.signal("SIGKILL");
    await this.exit();
  }

  async #read(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      take(decoder.decode(bytes, { stream: true }));
      const heard = this.#heard;
      this.#heard = Promise.withResolvers<void>();
      heard.resolve();
    }
  }
}

/** Runs to the end. */
export async function runSora(
  ...args: string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  await using program = new Program(args);
  const code = await program.exit();
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** A folder for one test, removed afterwards with any PostgreSQL that was left in it. */
export async function inDataFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sora-app-" });
  await Deno.chmod(folder, 0o755);
  try {
    await work(folder);
  } finally {
    await removeDataDir(folder);
  }
}
