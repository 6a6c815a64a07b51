import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LineClient } from "../support/line_client.ts";
import { inDataFolder, Program } from "./program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** Longest wait for a first start on a slow machine. */
const START_MS = 60_000;

async function has(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

Deno.test("one Ctrl-C that arrives more than once is one", async () => {
  await inDataFolder(async (folder) => {
    const args = ["--data", join(folder, "data"), "--imap-port", "0", "--lmtp-port", "0"];
    await using program = new Program(args);
    await program.until(/supervisor started /);
    for (const signal of ["SIGINT", "SIGINT", "SIGTERM"] as const) program.signal(signal);
    assert.equal(await program.exit(), 0);
    assert.match(program.stderr, /supervisor stopped /);
  });
});

// WHY a terminal: there, Deno asks a person about each thing that a worker may not do, and waits.
Deno.test({
  name: "nobody at the terminal is asked for a permission while mail is delivered",
  ignore: Deno.build.os !== "linux" || !await has("script"),
  async fn() {
    await inDataFolder(async (folder) => {
      const sora = [Deno.execPath(), "run", "-A", `${root}main.ts`, "--data", `${folder}/data`];
      const words = [...sora, "--imap-port", "0", "--lmtp-port", "0"];
      // WHY exec: a shell that stays gets the Ctrl-C too, and would end with a code of its own.
      const command = `exec ${words.map((word) => `'${word}'`).join(" ")}`;
      const child = new Deno.Command("script", {
        args: ["--quiet", "--flush", "--return", "--command", command, "/dev/null"],
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
        env: { NO_COLOR: "1" },
      }).spawn();
      let screen = "";
      let heard = Promise.withResolvers<void>();
      const reading = (async () => {
        for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
          screen += text;
          heard.resolve();
          heard = Promise.withResolvers();
        }
      })();
      const timer = setTimeout(() => child.kill("SIGKILL"), START_MS);
      const until = async (pattern: RegExp) => {
        for (;;) {
          const found = pattern.exec(screen);
          if (found) return found;
          await Promise.race([heard.promise, reading.then(() => Promise.reject(screen))]);
        }
      };
      const keys = child.stdin.getWriter();
      try {
        const [, port] = await until(/ lmtp +127\.0\.0\.1:(\d+)\r?\n/);
        await until(/supervisor started /);
        using mta = await LineClient.dial(Number(port));
        await mta.send(
          "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<demo@example.org>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n",
        );
        await until(/delivered |requests \w+ access/);
        assert.doesNotMatch(screen, /requests \w+ access/);
        await keys.write(new TextEncoder().encode("\x03"));
        await until(/supervisor stopped /);
        assert.equal((await child.status).code, 0);
      } finally {
        clearTimeout(timer);
        await keys.close().catch(() => {});
        await reading;
        await child.status;
      }
    });
  },
});
