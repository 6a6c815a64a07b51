import assert from "node:assert/strict";
import { join } from "node:path";
import { freePort } from "../support/server.ts";
import { LineClient } from "../support/line_client.ts";
import { inDataFolder, Program, runSora } from "./program.ts";

/** Arguments of embedded mode on free ports. */
function embedded(folder: string, imapPort: number | string = 0): string[] {
  return ["--data", join(folder, "data"), "--imap-port", String(imapPort), "--lmtp-port", "0"];
}

async function ports(program: Program): Promise<{ imap: number; lmtp: number }> {
  const [, imap, lmtp] = await program.until(
    / imap +127\.0\.0\.1:(\d+)\n +lmtp +127\.0\.0\.1:(\d+)\n/,
  );
  return { imap: Number(imap), lmtp: Number(lmtp) };
}

/** The tagged answer to one command. */
async function ask(client: LineClient, command: string): Promise<string> {
  await client.send(`t1 ${command}\r\n`);
  for (;;) {
    const line = await client.line();
    if (line.startsWith("t1 ")) return line;
  }
}

Deno.test("sora starts on its own, with a demo account that is shown once", async () => {
  await inDataFolder(async (folder) => {
    let login = "";
    {
      await using program = new Program(embedded(folder));
      const { imap, lmtp } = await ports(program);
      const [, address, password] = await program.until(
        / address +(\S+)\n +password +(\S+)\n[^]*curl -u \1:\2 imap:\/\/127\.0\.0\.1:\d+\/INBOX/,
      );
      login = `LOGIN ${address} ${password}`;
      using client = await LineClient.dial(imap);
      assert.match(await client.line(), /^\* OK /);
      assert.match(await ask(client, login), /^t1 OK /);
      using mta = await LineClient.dial(lmtp);
      assert.match(await mta.line(), /^220 /);
      await program.until(/supervisor started /);
      program.signal("SIGTERM");
      assert.match(await client.line(), /^\* BYE /);
      assert.match(await mta.line(), /^421 /);
      assert.equal(await program.exit(), 0);
      assert.match(program.stderr, /supervisor stopped ended=2 cut=0\n/);
      assert.ok(!program.stderr.includes(password ?? "-"), "the password is in the log");
    }
    await using again = new Program(embedded(folder));
    const { imap } = await ports(again);
    assert.ok(!again.stdout.includes("Demo account"));
    using client = await LineClient.dial(imap);
    await client.line();
    assert.match(await ask(client, login), /^t1 OK /);
    again.signal("SIGINT");
    assert.equal(await again.exit(), 0);
  });
});

Deno.test("a second sora is refused a data folder in use, and a port in use is named", async () => {
  await inDataFolder(async (folder) => {
    await using first = new Program(embedded(folder));
    const { imap } = await ports(first);
    const same = await runSora(...embedded(folder));
    assert.equal(same.code, 73);
    assert.match(same.stderr, new RegExp(`^sora: .*${folder}.*process ${first.pid}\n$`));
    const other = await runSora(
      "--data",
      join(folder, "other"),
      "--imap-port",
      String(imap),
      "--lmtp-port",
      "0",
    );
    assert.equal(other.code, 75);
    assert.match(
      other.stderr,
      new RegExp(`^sora: servers\\.imap\\.addr: .*127\\.0\\.0\\.1:${imap}`),
    );
    assert.match(other.stderr, /--imap-port/);
    first.signal("SIGTERM");
    assert.equal(await first.exit(), 0);
  });
});

Deno.test("sora starts again after kill -9", async () => {
  await inDataFolder(async (folder) => {
    const port = freePort();
    for (const ending of ["SIGKILL", "SIGKILL", "SIGTERM"] as const) {
      await using program = new Program(embedded(folder, port));
      await ports(program);
      using client = await LineClient.dial(port);
      assert.match(await client.line(), /^\* OK /);
      program.signal(ending);
      assert.equal(await program.exit(), ending === "SIGTERM" ? 0 : 137);
    }
  });
});
