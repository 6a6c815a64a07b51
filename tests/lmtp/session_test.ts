import assert from "node:assert/strict";
import { commands } from "../../src/lmtp/registry.ts";
import { after, type State } from "../../src/lmtp/session.ts";
import { inLmtp } from "../../src/lmtp/replies.ts";
import { settle } from "../net/streams.ts";
import { ManualClock } from "../net/streams.ts";
import { LmtpFixture } from "./fixture.ts";

/** How to get into each state, from the greeting on. */
const paths: Record<Exclude<State, "closed">, readonly string[]> = {
  connected: [],
  ready: ["LHLO c"],
  mail: ["LHLO c", "MAIL FROM:<>"],
  rcpt: ["LHLO c", "MAIL FROM:<>", "RCPT TO:<user@example.com>"],
  bdat: ["LHLO c", "MAIL FROM:<>", "RCPT TO:<user@example.com>", "BDAT 3\r\nx"],
};
/** A command that goes along each arrow of the diagram. */
const arrows: Record<State, Partial<Record<State, string>>> = {
  connected: { ready: "LHLO c", closed: "QUIT" },
  ready: { ready: "RSET", mail: "MAIL FROM:<>", closed: "QUIT" },
  mail: { ready: "RSET", rcpt: "RCPT TO:<other@example.com>", closed: "QUIT" },
  rcpt: { ready: "LHLO d", rcpt: "RCPT TO:<other@example.com>", bdat: "BDAT 0", closed: "QUIT" },
  bdat: { ready: "BDAT 0 LAST", bdat: "BDAT 0", closed: "QUIT" },
  closed: {},
};

/** A command that succeeds in one state only, or a pair of answers that tells the state. */
async function stateOf(ask: (line: string) => Promise<string>): Promise<State> {
  if ((await ask("RCPT TO:<user@example.com>")).startsWith("250")) {
    return (await ask("NOOP")).startsWith("250") ? "rcpt" : "closed";
  }
  const reply = await ask("DATA x");
  if (reply.includes("chunks")) return "bdat";
  if (reply.includes("LHLO")) return "connected";
  return "ready";
}

for (const [from, targets] of Object.entries(after)) {
  for (const to of targets) {
    Deno.test(`LMTP session goes from ${from} to ${to}`, async () => {
      const { client, session } = new LmtpFixture().dial();
      await client.reply();
      for (const line of paths[from as keyof typeof paths]) {
        assert.match(await client.command(line), /^250/);
      }
      const arrow = arrows[from as State][to];
      assert.ok(arrow, "every arrow has a command");
      assert.match(await client.command(arrow), /^2/);
      if (to === "closed") assert.equal(await client.line(), null);
      else {
        const state = await stateOf((line) => client.command(line));
        assert.equal(state, to === "mail" ? "rcpt" : to); // RCPT moved it on.
      }
      client.close();
      await session;
    });
  }
}

Deno.test("every command knows the states it may come in", () => {
  for (const { name, states } of commands) assert.ok(states.length > 0, name);
});

Deno.test("only trusted clients are served", async () => {
  for (const host of ["192.0.2.1", "", "::1"]) {
    const { client, session } = new LmtpFixture({ host }).dial();
    assert.match(await client.reply(), /^554 5\.7\.1 /);
    assert.equal(await client.line(), null);
    client.close();
    await session;
  }
});

Deno.test("a silent client is told 421, a dripping one too", async () => {
  for (const [text, ms] of [["", 301_000], ["MAIL FR", 62_000]] as const) {
    const clock = new ManualClock();
    const { client, session } = new LmtpFixture({ ticker: clock.ticker }).dial();
    await client.reply();
    await client.send(text);
    await settle();
    clock.pass(ms);
    assert.match(await client.reply(), /^421 4\.4\.2 /);
    client.close();
    await session;
  }
});

Deno.test("a client that leaves in the middle leaves nothing behind", async () => {
  const spoolDir = await Deno.makeTempDir();
  const fixture = new LmtpFixture({ spoolDir, config: { maxMessageSizeBytes: 9_000_000 } });
  for (const command of ["DATA\r\n", "BDAT 4000000\r\n"]) {
    const { client, session } = fixture.dial();
    await client.begin(["user@example.com"]);
    await client.send(command + "0123456789abcdef\r\n".repeat(100_000));
    client.close();
    await session;
  }
  const { client, session } = fixture.dial();
  await client.begin(["user@example.com"]);
  await client.send(`BDAT 1800000\r\n${"0123456789abcdef\r\n".repeat(100_000)}QUIT\r\n`);
  assert.match(await client.reply(), /^250/);
  assert.match(await client.reply(), /^221/);
  client.close();
  await session;
  await settle();
  assert.deepEqual(await Array.fromAsync(Deno.readDir(spoolDir)), []);
  assert.deepEqual(await fixture.stored(), []);
  assert.deepEqual(fixture.errors, []);
  await Deno.remove(spoolDir, { recursive: true });
});

Deno.test("draining ends idle sessions at once and lets transactions finish", async () => {
  const draining = new AbortController();
  const fixture = new LmtpFixture({ draining: draining.signal });
  const idle = fixture.dial();
  await idle.client.reply();
  const busy = fixture.dial();
  await busy.client.begin(["user@example.com"]);
  await busy.client.command("DATA");
  draining.abort();
  assert.match(await idle.client.reply(), /^421 4\.3\.2 /);
  assert.match(await busy.client.command("Subject: x\r\n\r\nlast\r\n."), /^250 2\.1\.5 /);
  assert.match(await busy.client.reply(), /^421 4\.3\.2 /);
  const late = fixture.dial();
  assert.match(await late.client.reply(), /^220 /);
  assert.match(await late.client.reply(), /^421 4\.3\.2 /);
  for (const { client, session } of [idle, busy, late]) {
    client.close();
    await session;
  }
  assert.equal((await fixture.stored()).length, 1);
});

Deno.test("a slow delivery holds its own reply back and those behind it, not those before", async () => {
  const gate = Promise.withResolvers<void>();
  const fixture = new LmtpFixture({ gate: gate.promise });
  const { client, session } = fixture.dial();
  await client.begin(["user@example.com", "slow@example.com", "other@example.com"]);
  await client.command("DATA");
  assert.match(await client.command("Subject: x\r\n\r\n."), /^250/);
  await settle();
  assert.equal((await fixture.stored()).length, 2); // The third did not wait for the second.
  gate.resolve();
  assert.match(await client.reply(), /^250/);
  assert.match(await client.reply(), /^250/);
  client.close();
  await session;
});

Deno.test("a line without end is refused and cut off", async () => {
  const { client, session } = new LmtpFixture().dial();
  await client.reply();
  assert.match(await client.command(`NOOP ${"x".repeat(4_000)}`), /^250/);
  assert.match(await client.command(`NOOP ${"x".repeat(4_100)}`), /^500 5\.5\.2 /);
  assert.match(await client.command("NOOP"), /^250/);
  const flood = client.send("x".repeat(2_000_000));
  assert.match(await client.reply(), /^500 5\.5\.2 /);
  client.close();
  await flood;
  await session;
});

Deno.test("a message beyond all bounds is cut off, one that is only too big is not", async () => {
  const { client, session } = new LmtpFixture({ config: { maxMessageSizeBytes: 1_000 } }).dial();
  await client.begin(["user@example.com"]);
  await client.command("DATA");
  await client.send("0123456789abcdef\r\n".repeat(100_000));
  assert.match(await client.command("."), /^552 5\.3\.4 /);
  assert.match(await client.command("NOOP"), /^250/);
  client.close();
  await session;
});

Deno.test("a flood of commands, or of stuffed dots, lets others run", async () => {
  const config = { maxMessageSizeBytes: 1_000_000 };
  const { client, session } = new LmtpFixture({ config }).dial();
  await client.begin(["user@example.com"]);
  await client.command("DATA");
  const counter = countTurns();
  const dots = client.send(`${"..\r\n".repeat(200_000)}.\r\n`);
  assert.match(await client.reply(), /^250/);
  await dots;
  const flood = client.send(`${"RSET\r\n".repeat(20_000)}QUIT\r\n`);
  for (let i = 0; i < 20_000; i++) assert.match(await client.reply(), /^250/);
  assert.match(await client.reply(), /^221/);
  await flood;
  assert.ok(counter.stop() >= 5);
  client.close();
  await session;
});

/** Counts how often the event loop comes round. */
function countTurns(): { stop(): number } {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  return {
    stop() {
      clearInterval(timer);
      return turns;
    },
  };
}

Deno.test("words for refusals are temporary unless the message can never be taken", () => {
  assert.equal(inLmtp({ kind: "unavailable", what: "database" }).code, 451);
  assert.equal(inLmtp({ kind: "no-such-account" }).code, 550);
  assert.equal(inLmtp({ kind: "too-big", limitBytes: 1 }).code, 552);
  assert.equal(inLmtp({ kind: "limit", what: "anything" }).code, 451);
});
