import assert from "node:assert/strict";
import { makeWorld, type World } from "../../support/imap.ts";
import { OfflineCaches } from "./offline_cache.ts";
import { BelievingClient, type Change, ENABLES, type Mode } from "./wire_model.ts";
import { dice, type Roll } from "../../support/dice.ts";

/** More of both by hand: SORA_SEEDS=200 SORA_STEPS=200 deno task test … */
const SEEDS = Number(Deno.env.get("SORA_SEEDS") ?? 60);
const FIRST_SEED = Number(Deno.env.get("SORA_FIRST_SEED") ?? 1);
const STEPS = Number(Deno.env.get("SORA_STEPS") ?? 50);
const FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "$a"];
const MODES: readonly Mode[] = ["plain", "condstore", "qresync", "uidonly", "rev2", "qresync"];

/** A client that is connected, and what it keeps when it is not. */
interface Player {
  client: BelievingClient;
  readonly mode: Mode;
  readonly worker: number;
  readonly caches: OfflineCaches;
  selected: string;
}

Deno.test("sessions on two workers hear the truth over the wire, whatever they all do", async (t) => {
  await using world = await makeWorld("empty", { workers: 2 });
  const capabilities = (await (await world.login()).ok("CAPABILITY")).join(" ").split(" ");
  const players: Player[] = [];
  for (const [at, mode] of MODES.entries()) {
    const name = ENABLES[mode];
    if (name !== null && !capabilities.includes(name)) continue;
    const worker = at % 2;
    const client = await connect(world, mode, worker);
    players.push({ client, mode, worker, caches: new OfflineCaches(), selected: "INBOX" });
  }
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    // WHY: clients that have been lied to know nothing any more.
    if (!await t.step(`seed ${seed}`, () => play(world, players, { seed, roll: dice(seed) }))) {
      break;
    }
  }
});

async function connect(world: World, mode: Mode, worker: number): Promise<BelievingClient> {
  const client = new BelievingClient(await world.login({ worker }), mode);
  await client.begin();
  return client;
}

interface Game {
  readonly seed: number;
  readonly roll: Roll;
}

async function play(world: World, players: readonly Player[], { seed, roll }: Game): Promise<void> {
  const boxes = [`a${seed}`, `b${seed}`];
  const [main, side] = boxes as [string, string];
  for (const box of boxes) await players[0]?.client.run(`CREATE ${box}`);
  for (let n = roll(5); n >= 0; n--) await deliver(world, main, roll);
  for (const player of players) await select(player, roll(4) === 0 ? side : main, roll);
  for (let step = 0; step < STEPS; step++) {
    // Often several at once: each a different client, as a client says one thing at a time.
    const busy = shuffled(players, roll).slice(0, 1 + roll(3));
    await Promise.all(busy.map(async (player) => {
      const { client } = player;
      const other = player.selected === main ? side : main;
      const box = roll(3) === 0 ? side : main;
      switch (roll(24)) {
        case 0:
          return await select(player, box, roll);
        case 1:
          return await leave(player, { roll, into: box });
        case 2:
          return await comeBack(world, player, { roll, into: box });
        case 3:
        case 4:
          return await deliver(world, main, roll);
        case 5:
          return await append(client, box);
        default:
          return await act(client, other, roll);
      }
    }));
    if (roll(8) === 0) await idling(world, players, { main, roll });
  }
  for (const { client } of players) await client.run("NOOP");
  for (const player of players) await compare(world, player);
}

async function select(player: Player, box: string, roll: Roll): Promise<void> {
  player.caches.keep(player.selected, player.client);
  await player.caches.select(box, player.client, roll);
  player.selected = box;
}

async function leave(
  player: Player,
  { roll, into }: { readonly roll: Roll; readonly into: string },
): Promise<void> {
  player.caches.keep(player.selected, player.client);
  // RFC 7162 §3.2.8: whoever closes hears nothing of what it expunges, and so knows of it later.
  const lines = await player.client.client.ok(roll(2) === 0 ? "CLOSE" : "UNSELECT");
  player.client.hear(lines);
  await player.caches.select(into, player.client, roll);
  player.selected = into;
}

async function comeBack(
  world: World,
  player: Player,
  { roll, into }: { readonly roll: Roll; readonly into: string },
): Promise<void> {
  player.caches.keep(player.selected, player.client);
  if (roll(2) === 0) await player.client.client.ok("LOGOUT");
  player.client.client.close();
  player.client = await connect(world, player.mode, player.worker);
  await player.caches.select(into, player.client, roll);
  player.selected = into;
}

/** One idles while another one works. */
async function idling(
  world: World,
  players: readonly Player[],
  { main, roll }: { readonly main: string; readonly roll: Roll },
): Promise<void> {
  const [idler, worker] = shuffled(players, roll);
  assert.ok(idler && worker);
  await idler.client.idle(async () => {
    await deliver(world, main, roll);
    await act(worker.client, main, roll);
  });
}

async function act(client: BelievingClient, other: string, roll: Roll): Promise<void> {
  const change = randomChange(client, roll);
  const { numbers, mode, flags } = change;
  if (numbers.length === 0) {
    const harmless = ["NOOP", "EXPUNGE", "UID SEARCH ALL", "CHECK", "UID FETCH 1:* (FLAGS)"];
    return void await client.run(harmless[roll(harmless.length)] ?? "NOOP");
  }
  const set = numbers.join(",");
  const uids = client.hasNumbers
    ? numbers.map((n) => client.messages[n - 1]?.uid ?? 1 + roll(30)).join(",")
    : set;
  const list = `${mode}FLAGS (${flags.join(" ")})`;
  const condition = `(UNCHANGEDSINCE ${roll(2) === 0 ? client.highest : roll(client.highest + 1)})`;
  const byUid = [
    "NOOP",
    "EXPUNGE",
    "CHECK",
    `UID EXPUNGE ${uids}`,
    `UID STORE ${uids} ${list}`,
    `UID FETCH ${uids} (FLAGS BODY.PEEK[HEADER.FIELDS (Subject)])`,
    `UID FETCH ${uids} (FLAGS BODY[TEXT])`,
    `UID FETCH 1:* (UID FLAGS)`,
    `UID COPY ${uids} ${other}`,
    `UID MOVE ${uids} ${other}`,
    "UID SEARCH NOT DELETED",
  ];
  const byNumber = [
    `STORE ${set} ${list}`,
    `STORE ${set} ${list}`,
    `FETCH ${set} (UID FLAGS)`,
    `FETCH ${set} BODY[TEXT]`,
    `COPY ${set} ${other}`,
    `MOVE ${set} ${other}`,
    `SEARCH ${set} UNSEEN`,
    `UID SEARCH ${set}`,
  ];
  const extended = client.mode === "condstore" || client.mode === "qresync"
    ? [
      `UID STORE ${uids} ${condition} ${list}`,
      `STORE ${set} ${condition} ${list}`,
      ...conditionalFetches(client, { set, uids }),
    ]
    : [];
  const all = [...byUid, ...extended, ...(client.hasNumbers ? byNumber : [])];
  const at = roll(all.length + 4);
  if (at >= all.length) await client.storeSilently(change);
  else await client.run(all[at] ?? "NOOP");
}

/** FETCH with MODSEQ, where the server has it. */
function conditionalFetches(
  { mode, highest }: BelievingClient,
  { set, uids }: { readonly set: string; readonly uids: string },
): string[] {
  const since = `(CHANGEDSINCE ${Math.max(1, highest - 5)}`;
  const plain = [`FETCH ${set} (FLAGS MODSEQ)`, `UID FETCH ${uids} (FLAGS) ${since})`];
  return mode === "qresync" ? [...plain, `UID FETCH ${uids} (FLAGS) ${since} VANISHED)`] : plain;
}

function randomChange({ messages, mode, hasNumbers }: BelievingClient, roll: Roll): Change {
  // WHY: who is told of UIDs that vanish has to know which message has which.
  const known = [...messages.entries()].flatMap(([at, { uid }]) => {
    if (!hasNumbers) return uid ?? [];
    return mode === "qresync" && uid === undefined ? [] : at + 1;
  });
  return {
    numbers: known.filter(() => roll(3) === 0),
    mode: (["+", "+", "-", ""] as const)[roll(4)] ?? "+",
    flags: FLAGS.filter(() => roll(3) === 0),
  };
}

async function deliver(world: World, mailbox: string, roll: Roll): Promise<void> {
  const text = `Subject: ${roll(1_000)}\r\n\r\nbody\r\n`;
  await world.deliver(text, { mailbox, worker: roll(2), flags: roll(2) });
}

async function append(client: BelievingClient, mailbox: string): Promise<void> {
  const lines = await client.client.literal(
    `APPEND ${mailbox} (\\Flagged)`,
    "Subject: a\r\n\r\na\r\n",
  );
  assert.match(lines.at(-1) ?? "", /^OK \[APPENDUID/);
  client.hear(lines.slice(0, -1));
}

/** What the client believes against what a session that has just come sees. */
async function compare(world: World, { client, selected, caches }: Player): Promise<void> {
  await client.run("UID FETCH 1:* (UID)");
  const fresh = new BelievingClient(await world.login());
  fresh.hear(await fresh.client.ok(`EXAMINE ${selected}`));
  fresh.hear(await fresh.client.ok("UID FETCH 1:* (FLAGS)"));
  assert.deepEqual(client.messages.map(({ uid }) => uid), fresh.messages.map(({ uid }) => uid));
  for (const [at, { uid, flags }] of client.messages.entries()) {
    if (flags === undefined) continue;
    assert.deepEqual([...flags].sort(), [...fresh.messages[at]?.flags ?? []].sort(), `UID ${uid}`);
  }
  const unseen = fresh.messages.filter(({ flags }) => !flags?.has("\\Seen")).length;
  const [status] = await fresh.client.ok(`STATUS ${selected} (MESSAGES UNSEEN)`);
  const counts = `(MESSAGES ${fresh.messages.length} UNSEEN ${unseen})`;
  assert.equal(status, `* STATUS "${selected}" ${counts}`);
  await fresh.client.ok("LOGOUT");
  caches.forget();
}

function shuffled<T>(items: readonly T[], roll: Roll): T[] {
  return items.map((item) => ({ item, key: roll(1_000_000) })).sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
