import assert from "node:assert/strict";
import { Ticker } from "../../src/net/ticker.ts";
import { makeWorld } from "../support/imap.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** A clock that the test moves, step by step. */
function clock() {
  let now = 0;
  const ticker = new Ticker(() => now);
  return {
    ticker,
    /** Lets time pass; in `each` step something may happen. */
    async pass(
      ms: number,
      { stepMs = 30 * SECOND_MS, each = () => Promise.resolve() }: {
        readonly stepMs?: number;
        readonly each?: () => Promise<void>;
      } = {},
    ): Promise<void> {
      for (const end = now + ms; now < end;) {
        now += stepMs;
        ticker.tick();
        await each();
        await settled();
      }
    },
  };
}

const drips: readonly string[] = [
  "a1 STATUS INBOX (MESSAGES) and so on, octet by octet, for as long as it takes".repeat(9),
  `a1 APPEND INBOX {500+}\r\n${"x".repeat(500)}`,
  `a1 SEARCH BODY {500+}\r\n${"x".repeat(500)}`,
  `a1 CREATE {500+}\r\n${"x".repeat(500)}`,
];

for (const drip of drips) {
  Deno.test(`who drips "${drip.slice(0, 12)}" is sent away`, async () => {
    await using world = await makeWorld("empty", { config: { minBytesPerMinute: 512 } });
    const { ticker, pass } = clock();
    const client = await world.login({ ticker });
    await client.ok("SELECT INBOX");
    let at = 0;
    await pass(5 * MINUTE_MS, {
      stepMs: SECOND_MS,
      each: () => client.send(drip[at++] ?? "").catch(() => {}),
    });
    assert.ok(at <= drip.length);
    assert.match((await client.rest()).join("\n"), /^\* BYE /m);
  });
}

Deno.test("who idles, or rests between two commands, is slow and stays", async () => {
  await using world = await makeWorld("two-messages", { config: { minBytesPerMinute: 512 } });
  const { ticker, pass } = clock();
  const [idler, resting] = [await world.login({ ticker }), await world.login({ ticker })];
  for (const client of [idler, resting]) await client.ok("SELECT INBOX");
  await idler.writeLine("i IDLE");
  assert.equal(await idler.readLine(), "+ idling");
  await pass(28 * MINUTE_MS); // RFC 2177 §3: a client begins anew before half an hour has passed
  await world.deliver("Subject: new\r\n\r\nx\r\n");
  assert.equal(await idler.readLine(), "* 3 EXISTS");
  await idler.writeLine("DONE");
  assert.equal((await idler.until("i")).at(-1), "OK IDLE completed");
  await idler.ok("NOOP");
  await resting.ok("NOOP");
  // The next IDLE has half an hour of its own.
  await idler.writeLine("j IDLE");
  assert.equal(await idler.readLine(), "+ idling");
  await pass(28 * MINUTE_MS);
  await idler.writeLine("DONE");
  assert.equal((await idler.until("j")).at(-1), "OK IDLE completed");
});

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
