import assert from "node:assert/strict";
import { makeWorld, type World } from "../../support/imap.ts";
import { BelievingClient, type Change } from "./wire_model.ts";

/** More of both by hand: SORA_WIRE_SEEDS=500 SORA_WIRE_STEPS=200 deno task test … */
const SEEDS = Number(Deno.env.get("SORA_WIRE_SEEDS") ?? 20);
const STEPS = Number(Deno.env.get("SORA_WIRE_STEPS") ?? 60);
const FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "$a"];

type Roll = (below: number) => number;

Deno.test("sessions on two workers hear the truth over the wire, whatever they all do", async (t) => {
  await using world = await makeWorld("empty", { workers: 2 });
  const clients: BelievingClient[] = [];
  for (let i = 0; i < 4; i++) {
    clients.push(new BelievingClient(await world.login({ worker: i % 2 })));
  }
  for (let seed = 1; seed <= SEEDS; seed++) {
    await t.step(`seed ${seed}`, () => play(world, clients, { seed, roll: dice(seed) }));
  }
});

interface Game {
  readonly seed: number;
  readonly roll: Roll;
}

async function play(
  world: World,
  clients: readonly BelievingClient[],
  { seed, roll }: Game,
): Promise<void> {
  const boxes = [`a${seed}`, `b${seed}`];
  const [main, side] = boxes as [string, string];
  for (const box of boxes) await clients[0]?.run(`CREATE ${box}`);
  for (let n = roll(5); n >= 0; n--) await deliver(world, main, roll);
  const selected = new Map<BelievingClient, string>();
  const select = async (client: BelievingClient, box: string) => {
    selected.set(client, box);
    await client.select(box);
  };
  for (const client of clients) await select(client, roll(4) === 0 ? side : main);
  for (let step = 0; step < STEPS; step++) {
    // Often several at once: each a different client, as a client says one thing at a time.
    const busy = shuffled(clients, roll).slice(0, 1 + roll(3));
    await Promise.all(busy.map(async (client) => {
      const other = selected.get(client) === main ? side : main;
      if (roll(12) === 0) await select(client, roll(3) === 0 ? side : main);
      else if (roll(6) === 0) await deliver(world, main, roll);
      else await act(client, other, roll);
    }));
    if (roll(8) === 0) await idling(world, clients, { main, roll });
  }
  for (const client of clients) await client.run("NOOP");
  for (const client of clients) await compare(world, client, selected.get(client) ?? main);
}

/** One idles while another one works. */
async function idling(
  world: World,
  clients: readonly BelievingClient[],
  { main, roll }: { readonly main: string; readonly roll: Roll },
): Promise<void> {
  const [idler, worker] = shuffled(clients, roll);
  assert.ok(idler && worker);
  await idler.idle(async () => {
    await deliver(world, main, roll);
    await act(worker, main, roll);
  });
}

async function act(client: BelievingClient, other: string, roll: Roll): Promise<void> {
  const change = randomChange(client, roll);
  if (change.numbers.length === 0) {
    const harmless = ["NOOP", "EXPUNGE", "UID SEARCH ALL", "CHECK", "UID FETCH 1:* (FLAGS)"];
    return void await client.run(harmless[roll(harmless.length)] ?? "NOOP");
  }
  const { numbers, mode, flags } = change;
  const set = numbers.join(",");
  const uids = numbers.map((n) => client.messages[n - 1]?.uid ?? 1 + roll(30)).join(",");
  const list = `${mode}FLAGS (${flags.join(" ")})`;
  const commands = [
    "NOOP",
    "EXPUNGE",
    "CHECK",
    `UID EXPUNGE ${uids}`,
    `STORE ${set} ${list}`,
    `STORE ${set} ${list}`,
    `UID STORE ${uids} ${list}`,
    `FETCH ${set} (UID FLAGS)`,
    `FETCH ${set} BODY[TEXT]`,
    `UID FETCH ${uids} (FLAGS BODY.PEEK[HEADER.FIELDS (Subject)])`,
    `COPY ${set} ${other}`,
    `UID COPY ${uids} ${other}`,
    `MOVE ${set} ${other}`,
    `UID MOVE ${uids} ${other}`,
    `SEARCH ${set} UNSEEN`,
    "UID SEARCH NOT DELETED",
  ];
  const at = roll(commands.length + 4);
  if (at >= commands.length) await client.storeSilently(change);
  else await client.run(commands[at] ?? "NOOP");
}

function randomChange({ messages }: BelievingClient, roll: Roll): Change {
  const numbers = [...messages.keys()].map((at) => at + 1).filter(() => roll(3) === 0);
  return {
    numbers,
    mode: (["+", "+", "-", ""] as const)[roll(4)] ?? "+",
    flags: FLAGS.filter(() => roll(3) === 0),
  };
}

async function deliver(world: World, mailbox: string, roll: Roll): Promise<void> {
  const text = `Subject: ${roll(1_000)}\r\n\r\nbody\r\n`;
  await world.deliver(text, { mailbox, worker: roll(2), flags: roll(2) });
}

/** What the client believes against what a session that has just come sees. */
async function compare(world: World, client: BelievingClient, mailbox: string): Promise<void> {
  await client.run("FETCH 1:* (UID)");
  const fresh = new BelievingClient(await world.login());
  fresh.hear(await fresh.client.ok(`EXAMINE ${mailbox}`));
  fresh.hear(await fresh.client.ok("UID FETCH 1:* (FLAGS)"));
  assert.deepEqual(client.messages.map(({ uid }) => uid), fresh.messages.map(({ uid }) => uid));
  for (const [at, { uid, flags }] of client.messages.entries()) {
    if (flags === undefined) continue;
    assert.deepEqual([...flags].sort(), [...fresh.messages[at]?.flags ?? []].sort(), `UID ${uid}`);
  }
  const unseen = fresh.messages.filter(({ flags }) => !flags?.has("\\Seen")).length;
  const [status] = await fresh.client.ok(`STATUS ${mailbox} (MESSAGES UNSEEN)`);
  const counts = `(MESSAGES ${fresh.messages.length} UNSEEN ${unseen})`;
  assert.equal(status, `* STATUS "${mailbox}" ${counts}`);
  await fresh.client.ok("LOGOUT");
}

function shuffled<T>(items: readonly T[], roll: Roll): T[] {
  return items.map((item) => ({ item, key: roll(1_000_000) })).sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** A linear congruential generator: the same rolls for the same seed. */
function dice(seed: number): Roll {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}
