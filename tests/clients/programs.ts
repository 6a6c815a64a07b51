import assert from "node:assert/strict";
import { join } from "node:path";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { LineClient } from "../support/line_client.ts";
import { shapedMessage } from "../support/mail.ts";
import { type ServerOptions, startServer, type TestServer } from "../support/server.ts";

export const ADDRESS = "clients@example.org";
export const OTHER = "other@example.org";
export const PASSWORD = "correct horse battery";
export const MESSAGES = 2_000;
const CONNECTIONS = 8;

/** Delivers so many messages over LMTP, some connections at a time. */
export async function fill(
  server: TestServer,
  { address = ADDRESS, messages = MESSAGES }: { address?: string; messages?: number } = {},
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    using client = await dialLmtp(server.lmtpPort);
    while (next < messages) {
      const [reply] = await deliver(client, shapedMessage(next++), [address]);
      assert.match(reply ?? "", /^250/);
    }
  }));
}

/** A server with the two accounts that the clients use. */
export async function startWithAccounts(options: ServerOptions = {}): Promise<TestServer> {
  const server = await startServer(options);
  await server.createAccount(ADDRESS, PASSWORD);
  await server.createAccount(OTHER, PASSWORD);
  return server;
}

/** An IMAP connection beside the client's, to look at what it did. */
export async function login(server: TestServer, address = ADDRESS): Promise<LineClient> {
  const client = await LineClient.logIn(server.imapPort, address, PASSWORD);
  return client;
}

/** Messages in the INBOX of the first account. */
export async function countMessages(server: TestServer): Promise<number> {
  using client = await login(server);
  const [status] = await client.imap("STATUS INBOX (MESSAGES)");
  return Number(/MESSAGES (\d+)/.exec(status ?? "")?.[1]);
}

/** The message files of one Maildir. */
export async function listMaildir(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const part of ["cur", "new"]) {
    for await (const entry of Deno.readDir(join(folder, part))) {
      files.push(join(folder, part, entry.name));
    }
  }
  return files.sort();
}

/** Runs a program to its end; throws with its output when it fails. */
export async function run(
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args, env, stdin: "null" })
    .output();
  const text = new TextDecoder();
  const output = text.decode(stdout);
  if (code !== 0) {
    throw new Error(`${command} exited with ${code}\n${output}${text.decode(stderr)}`);
  }
  return output;
}

/** True when a program is on PATH. */
export function installed(command: string): boolean {
  const path = Deno.env.get("PATH") ?? "";
  return path.split(":").some((folder) => {
    try {
      return Deno.statSync(join(folder, command)).isFile;
    } catch {
      return false;
    }
  });
}

/** A folder that is removed at the end. */
export async function tempDir(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "sora-client-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
