import assert from "node:assert/strict";
import { deflateRawSync } from "node:zlib";
import { fromBinary } from "../../src/lib/bytes.ts";
import { type ImapClient, makeWorld, PASSWORD, USER } from "../support/imap.ts";

Deno.test("a session goes on compressed, with literals both ways and pipelining", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  await client.compress();
  const [line = ""] = await client.ok("CAPABILITY");
  assert.ok(!line.includes("COMPRESS") && line.includes("CATENATE"));
  assert.deepEqual(await client.command("COMPRESS DEFLATE"), [
    "NO [COMPRESSIONACTIVE] DEFLATE is active already",
  ]);
  const random = Array.from({ length: 300_000 }, (_, i) => String.fromCharCode((i * i) % 255 + 1));
  const body = `Subject: \xe4\r\n\r\n${random.join("")}`;
  assert.match((await client.literal("APPEND INBOX", body)).join(), /^OK /);
  await client.ok("SELECT INBOX");
  const [fetched] = await client.ok("FETCH 1 BODY.PEEK[]");
  assert.equal(fetched, `* 1 FETCH (BODY[] {${body.length}}\r\n${body})`);
  await client.send(Array.from({ length: 100 }, (_, i) => `p${i} NOOP\r\n`).join(""));
  for (let i = 0; i < 100; i++) {
    assert.deepEqual(await client.until(`p${i}`), ["OK NOOP completed"]);
  }
});

Deno.test("a message of some MB goes up and down through compression", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  await client.compress();
  const body = `Subject: big\r\n\r\n${"0123456789 Lorem ipsum\r\n".repeat(150_000)}`;
  const sending = client.literal("APPEND INBOX", body);
  assert.match((await sending).join(), /^OK /);
  await client.ok("SELECT INBOX");
  const [fetched = ""] = await client.ok("FETCH 1 BODY.PEEK[]");
  assert.equal(fetched.length, body.length + `* 1 FETCH (BODY[] {${body.length}}\r\n)`.length);
  assert.ok(fetched.endsWith(`${body})`));
});

Deno.test("IDLE hears of mail through compression, and the goodbye is compressed, too", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  await client.compress();
  await client.ok("SELECT INBOX");
  await client.writeLine("i1 IDLE");
  assert.match(await client.readLine(), /^\+ /);
  await world.deliver("x: y\r\n\r\n");
  assert.equal(await client.readLine(), "* 1 EXISTS");
  world.shutDown();
  const rest: string[] = [];
  for (let line = await client.tryLine(); line !== null; line = await client.tryLine()) {
    rest.push(line);
  }
  assert.equal(rest.at(-1), "* BYE Server shutting down");
});

Deno.test("a client that goes on in plain text is cut off; one that is too quick is not", async () => {
  await using world = await makeWorld("empty");
  const plain = await world.login();
  await plain.send("c1 COMPRESS DEFLATE\r\nc2 NOOP\r\n");
  assert.equal(await plain.readLine(), "c1 OK DEFLATE active");
  assert.ok(!(await rest(plain)).some((line) => line.startsWith("c2 OK")));
  const quick = await world.login();
  const noop = deflateRawSync(fromBinary("c2 NOOP\r\n"), { finishFlush: 2 });
  await quick.send(new Uint8Array([...fromBinary("c1 COMPRESS DEFLATE\r\n"), ...noop]));
  await quick.compressed("c1");
  assert.equal(await quick.readLine(), "c2 OK NOOP completed");
});

Deno.test("COMPRESS can be switched off", async () => {
  await using world = await makeWorld("empty", { config: { disabledCaps: ["COMPRESS=DEFLATE"] } });
  const client = await world.login();
  assert.deepEqual(await client.command("COMPRESS DEFLATE"), ["BAD Unknown command"]);
});

Deno.test("UNAUTHENTICATE ends compression, and the next user comes in plain text", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  for (let round = 0; round < 3; round++) {
    await client.compress();
    await client.ok("SELECT INBOX");
    await client.uncompress(`u2 LOGIN ${USER} ${PASSWORD}\r\nu3 CAPABILITY\r\n`);
    assert.match((await client.until("u2")).join(), /^OK \[CAPABILITY .* COMPRESS=DEFLATE/);
    assert.match((await client.until("u3")).join(), /COMPRESS=DEFLATE/);
  }
});

async function rest(client: ImapClient): Promise<string[]> {
  const lines: string[] = [];
  for (let line = await client.tryLine(); line !== null; line = await client.tryLine()) {
    lines.push(line);
  }
  return lines;
}
