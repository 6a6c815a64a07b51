import assert from "node:assert/strict";
import { type ImapClient, makeWorld, type World } from "../../support/imap.ts";
import { LiveList } from "./live_list.ts";
import { uidsOf } from "./wire_model.ts";
import { dice, type Roll } from "../../support/dice.ts";

/** More of both by hand: SORA_SEEDS=200 SORA_STEPS=200 deno task test … */
const SEEDS = Number(Deno.env.get("SORA_SEEDS") ?? 12);
const FIRST_SEED = Number(Deno.env.get("SORA_FIRST_SEED") ?? 1);
const STEPS = Number(Deno.env.get("SORA_STEPS") ?? 40);
const FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "$a"];
const WORDS = ["ant", "bee", "cat", "dog"];

/** What is asked with UPDATE, and again without it. RFC 5267 §4.3: no message numbers among the keys. */
const SEARCHES = [
  "SEARCH ALL",
  "UID SEARCH UNSEEN",
  "SEARCH FLAGGED UNDELETED",
  "UID SEARCH OR KEYWORD $a BODY ant",
  "SEARCH NOT (SUBJECT bee UNSEEN)",
  "UID SEARCH TEXT cat",
  "UID SEARCH UID 3:*",
  "SEARCH UID *",
  "UID SEARCH UID 999:* NOT DELETED",
  "SEARCH YOUNGER 3600 SEEN",
  "SORT (SUBJECT REVERSE SIZE) UTF-8 ALL",
  "UID SORT (REVERSE ARRIVAL) UTF-8 UNDELETED",
  "UID SORT (SUBJECT) UTF-8 OR FLAGGED BODY dog",
  "SORT (REVERSE FROM SUBJECT) UTF-8 UNSEEN",
  "UID SORT (SIZE) UTF-8 KEYWORD $a",
];

/** WHY: who is told of UIDs that vanish has to know which message has which number. */
const BY_UID = SEARCHES.filter((search) => search.startsWith("UID"));

interface Watch {
  readonly search: string;
  readonly live: LiveList;
}

for (const mode of ["", "QRESYNC", "IMAP4rev2"]) {
  Deno.test(`ADDTO and REMOVEFROM make of a result what a new search finds ${mode}`, async (t) => {
    await using world = await makeWorld("empty", { workers: 2 });
    const [client, near, far] = [
      await world.login(),
      await world.login(),
      await world.login({ worker: 1 }),
    ];
    if (mode !== "") await client.ok(`ENABLE ${mode}`);
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const searches = mode === "QRESYNC" ? BY_UID : SEARCHES;
      const others = [near, far];
      const game = { world, client, others, searches, box: `b${seed}`, roll: dice(seed) };
      if (!await t.step(`seed ${seed}`, () => play(game))) break;
    }
  });
}

interface Game {
  readonly world: World;
  readonly client: ImapClient;
  readonly others: readonly ImapClient[];
  readonly searches: readonly string[];
  readonly box: string;
  readonly roll: Roll;
}

async function play({ world, client, others, searches, box, roll }: Game): Promise<void> {
  await client.ok(`CREATE ${box}`);
  for (let n = roll(6); n > 0; n--) await deliver(world, { box, roll });
  const opened = await client.ok(`SELECT ${box}`);
  for (const other of others) await other.ok(`SELECT ${box}`);
  let exists = Number(/^\* (\d+) EXISTS/m.exec(opened.join("\n"))?.[1]);
  const watches: Watch[] = [];
  const hear = (lines: readonly string[]) => {
    for (const { live } of watches) live.hear(lines);
    for (const line of lines) {
      const [, count] = /^\* (\d+) EXISTS$/.exec(line) ?? [];
      if (count !== undefined) exists = Number(count);
      if (/^\* \d+ EXPUNGE$/.test(line)) exists--;
    }
  };
  for (let step = 0; step < STEPS; step++) {
    if (watches.length < 8 && roll(4) === 0) {
      const search = searches[roll(searches.length)] ?? "";
      const tag = `w${step}`;
      await client.writeLine(`${tag} ${withReturn(search, "UPDATE ALL")}`);
      const lines = (await client.until(tag)).slice(0, -1);
      const live = new LiveList({
        tag,
        byUid: search.startsWith("UID"),
        isSorted: search.includes("SORT"),
        exists,
        first: all(lines[0] ?? ""),
      });
      hear(lines.slice(1));
      live.hear(lines.slice(1));
      watches.push({ search, live });
      continue;
    }
    const busy = [...others, client].filter(() => roll(3) > 0);
    await Promise.all(busy.map(async (who) => {
      if (roll(3) === 0) await deliver(world, { box, roll });
      const lines = await who.ok(command(roll));
      if (who === client) hear(lines);
    }));
    if (roll(6) === 0) hear(await idled(client, () => others[0]?.ok(command(roll))));
  }
  hear(await client.ok("NOOP"));
  for (const { search, live } of watches) {
    const [line = "", ...more] = await client.ok(withReturn(search, "ALL"));
    assert.deepEqual(live.list, all(line), search);
    hear(more);
  }
  await client.ok("UNSELECT");
}

function withReturn(search: string, options: string): string {
  return search.replace(/(SEARCH|SORT) /, `$1 RETURN (${options}) `);
}

function all(line: string): number[] {
  assert.match(line, /^\* ESEARCH \(TAG/);
  const [, set] = / ALL ([\d,:]+)/.exec(line) ?? [];
  return set === undefined ? [] : uidsOf(set);
}

function command(roll: Roll): string {
  const flags = FLAGS.filter(() => roll(3) === 0).join(" ");
  const low = 1 + roll(12);
  const uids = `${low}:${low + roll(4)}`;
  const all = [
    `UID STORE ${uids} ${["+", "-", ""][roll(3)]}FLAGS.SILENT (${flags})`,
    `UID STORE ${uids} +FLAGS (${flags})`,
    `UID FETCH ${uids} BODY[TEXT]`,
    `FETCH 1:* (UID)`,
    `UID STORE ${low} +FLAGS.SILENT (\\Deleted)`,
    "EXPUNGE",
    `UID EXPUNGE ${uids}`,
    "NOOP",
    "SEARCH UNSEEN",
  ];
  return all[roll(all.length)] ?? "NOOP";
}

async function idled(client: ImapClient, meanwhile: () => Promise<unknown> | undefined) {
  await client.writeLine("i IDLE");
  const lines: string[] = [];
  while (!lines.at(-1)?.startsWith("+")) lines.push(await client.readResponse());
  await meanwhile();
  await client.writeLine("DONE");
  return [...lines.slice(0, -1), ...(await client.until("i")).slice(0, -1)];
}

async function deliver(
  world: World,
  { box, roll }: { readonly box: string; readonly roll: Roll },
): Promise<void> {
  const word = () => WORDS[roll(WORDS.length)] ?? "";
  const text = `From: ${word()}@example.org\r\nSubject: ${word()}\r\n\r\n${word()} ${word()}\r\n`;
  const internalDate = new Date(Date.now() - (1 + roll(100)) * 60_000);
  await world.deliver(text, { mailbox: box, worker: roll(2), flags: roll(4), internalDate });
}
