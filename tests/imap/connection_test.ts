import assert from "node:assert/strict";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { Ticker } from "../../src/net/ticker.ts";
import { makeWorld, PASSWORD, USER } from "../support/imap.ts";

const MINUTE_MS = 60_000;

Deno.test("passwords are not taken in the clear over a network", async () => {
  await using world = await makeWorld("empty", { config: { insecureAuth: false } });
  const far = await world.connect({ remote: "192.0.2.1" });
  assert.match(far.greeting, /^\* OK \[CAPABILITY IMAP4rev1 .*LOGINDISABLED/);
  assert.ok(!/AUTH=|SASL-IR/.test(far.greeting));
  for (const text of [`LOGIN ${USER} ${PASSWORD}`, "AUTHENTICATE PLAIN"]) {
    assert.match((await far.command(text)).join(), /^NO \[PRIVACYREQUIRED\] /);
  }
  for (const remote of ["127.0.0.1", "::1"]) {
    const near = await world.connect({ remote });
    assert.match(near.greeting, /AUTH=PLAIN/);
    await near.ok(`LOGIN ${USER} ${PASSWORD}`);
  }
});

Deno.test("additional and disabled capabilities hold for the whole session", async () => {
  const config = { disabledCaps: ["MOVE", "NAMESPACE"], additionalCaps: ["X-ICEWARP-SERVER"] };
  await using world = await makeWorld("two-messages", { config });
  const client = await world.connect();
  assert.match(client.greeting, / X-ICEWARP-SERVER/);
  const [reply = ""] = await client.command(`LOGIN ${USER} ${PASSWORD}`);
  assert.match(reply, / X-ICEWARP-SERVER/);
  assert.ok(!/MOVE|NAMESPACE/.test(reply + client.greeting));
  assert.deepEqual(await client.command("NAMESPACE"), ["BAD Unknown command"]);
  await client.ok("SELECT INBOX");
  assert.deepEqual(await client.command("UID MOVE 1 Trash"), ["BAD Unknown command"]);
});

Deno.test("a disabled mechanism or parameter is refused", async () => {
  const config = { disabledCaps: ["AUTH=PLAIN", "CREATE-SPECIAL-USE"] };
  await using world = await makeWorld("empty", { config });
  const client = await world.connect();
  assert.ok(!client.greeting.includes("AUTH=PLAIN"));
  assert.deepEqual(await client.command("AUTHENTICATE PLAIN"), ["NO [CANNOT] Not supported"]);
  await client.ok(`LOGIN ${USER} ${PASSWORD}`);
  assert.deepEqual(await client.command("CREATE x (USE (\\Sent))"), ["NO [CANNOT] Not supported"]);
});

Deno.test("a flood of commands in one go lets other sessions run", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const sending = client.send(`${"a NOOP\r\n".repeat(20_000)}b LOGOUT\r\n`);
  const lines = await client.rest();
  await sending;
  clearInterval(timer);
  assert.equal(lines.length, 20_002);
  assert.ok(turns >= 5, `${turns}`);
});

Deno.test("a shutdown says BYE to whoever waits, in whatever state", async () => {
  await using world = await makeWorld("two-messages");
  const stranger = await world.connect();
  const authenticating = await world.connect();
  await authenticating.writeLine("a1 AUTHENTICATE PLAIN");
  assert.equal(await authenticating.readLine(), "+ ");
  const idle = await world.login();
  await idle.ok("SELECT INBOX");
  await idle.writeLine("a1 IDLE");
  assert.match(await idle.readLine(), /^\+ /);
  const user = await world.login();
  world.shutDown();
  for (const client of [stranger, authenticating, idle, user]) {
    assert.deepEqual(await client.rest(), ["* BYE Server shutting down"]);
  }
});

Deno.test("a shutdown waits for the command that runs", async () => {
  const blobs = new MemoryBlobs();
  await using world = await makeWorld("empty", { blobs });
  const client = await world.login();
  const put = blobs.put.bind(blobs);
  const started = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  blobs.put = async (key, body) => {
    started.resolve();
    await released.promise;
    return await put(key, body);
  };
  await client.send("a1 APPEND INBOX {6+}\r\nx: y\r\n\r\na2 NOOP\r\n");
  await started.promise;
  world.shutDown();
  released.resolve();
  assert.match(await client.readLine(), /^a1 OK \[APPENDUID /);
  assert.deepEqual(await client.rest(), ["* BYE Server shutting down"]);
});

Deno.test("a stranger has two minutes, a user at least thirty", async () => {
  let now = 0;
  const ticker = new Ticker(() => now);
  const pass = (ms: number) => {
    now += ms;
    ticker.tick();
  };
  await using world = await makeWorld("empty", { config: { idleTimeoutMs: 5 * MINUTE_MS } });
  const stranger = await world.connect({ ticker });
  pass(2 * MINUTE_MS - 1);
  const user = await world.login({ ticker });
  pass(1);
  assert.deepEqual(await stranger.rest(), ["* BYE Autologout; idle for too long"]);
  pass(30 * MINUTE_MS - 2); // RFC 3501 §5.4, whatever the configuration says
  await user.ok("NOOP");
  pass(30 * MINUTE_MS);
  assert.deepEqual(await user.rest(), ["* BYE Autologout; idle for too long"]);
});

Deno.test("a user who stops in the middle of a command is not waited for that long", async () => {
  let now = 0;
  const ticker = new Ticker(() => now);
  const config = { commandTimeoutMs: 2 * MINUTE_MS, minBytesPerMinute: 0 };
  await using world = await makeWorld("empty", { config });
  const user = await world.login({ ticker });
  await user.send("a1 NOOP");
  await user.send(" ");
  await settled();
  now += 2 * MINUTE_MS;
  ticker.tick();
  assert.deepEqual(await user.rest(), ["* BYE Autologout; idle for too long"]);
});

Deno.test("a stranger may look around, but has to log in some time", async () => {
  await using world = await makeWorld("empty");
  const client = await world.connect();
  for (let i = 0; i < 49; i++) assert.match((await client.command("NOOP")).join(), /^OK /);
  assert.match((await client.command("NOOP")).join(), /^OK /);
  assert.deepEqual(await client.rest(), ["* BYE Too many commands before login"]);
});

Deno.test("a user may be wrong often, but not for ever", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  for (let i = 0; i < 19; i++) assert.match((await client.command("NO SUCH")).join(), /^BAD /);
  await client.ok("NOOP");
  for (let i = 0; i < 20; i++) assert.match((await client.command("NO SUCH")).join(), /^BAD /);
  assert.deepEqual(await client.rest(), ["* BYE Too many bad commands"]);
});

Deno.test("strangers cannot add metric labels", async () => {
  await using world = await makeWorld("empty");
  const client = await world.connect();
  await client.command("INVENTED");
  await client.command("UID INVENTED");
  await client.command("NOOP");
  const text = await world.services.metrics.registry.metrics();
  assert.ok(!text.includes("INVENTED"));
  assert.match(text, /sora_commands_total\{protocol="imap",command="unknown",status="bad"\} 2/);
  assert.match(text, /sora_commands_total\{protocol="imap",command="NOOP",status="ok"\} 1/);
});

Deno.test("users are counted while they are there", async () => {
  await using world = await makeWorld("empty");
  const users = async () => {
    const text = await world.services.metrics.registry.metrics();
    return /^sora_authenticated_connections_current\{.*\} (\d+)$/m.exec(text)?.[1];
  };
  const one = await world.login();
  const two = await world.login();
  assert.equal(await users(), "2");
  await one.command("LOGOUT");
  assert.deepEqual(await one.rest(), []);
  two.close();
  while (await users() !== "0") await settled();
});

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
