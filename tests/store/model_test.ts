import assert from "node:assert/strict";
import type { Modseq, Uid } from "../../src/lib/ids.ts";
import { FLAG } from "../../src/store/flags.ts";
import type { Mailbox } from "../../src/store/mailboxes.ts";
import {
  EVERY_UID,
  type Fixture,
  inconsistencies,
  openFixture,
  someMessage,
  uidSet,
} from "./fixture.ts";
import { dice } from "../support/dice.ts";

/** Steps of one seed. */
const STEPS = 60;
const SEEDS = [1, 2, 3, 4];

interface Message {
  flags: number;
  keywords: Set<string>;
}

/** What the store should hold, kept in the simplest way there is. */
class Model {
  readonly live = new Map<number, Message>();
  uidNext = 1;
  /** What a client would know that follows `changes()`. */
  readonly followed = new Map<number, string>();
  cursor: Modseq;

  constructor(public box: Mailbox) {
    this.cursor = box.highestModseq;
  }
}

function pick<T>(items: readonly T[], random: (below: number) => number): T {
  const item = items[random(items.length)];
  assert.ok(item !== undefined);
  return item;
}

const asText = ({ flags, keywords }: Message) => `${flags} ${[...keywords].sort().join(" ")}`;

/** One random command on the store and on the model. */
async function step(it: Fixture, models: Model[], random: (below: number) => number) {
  const model = pick(models, random);
  const { box, live } = model;
  const some = [...live.keys()].filter(() => random(3) === 0);
  const set = uidSet(...some, 1_000_000 + random(9));
  const keywords = ["$A", "$B", "c"].filter(() => random(3) === 0);
  const flags = random(32);
  switch (random(7)) {
    case 0:
    case 1: {
      const count = 1 + random(4);
      const done = await Promise.all(
        Array.from(
          { length: count },
          () => it.messages.append(someMessage(box, { flags, keywords })),
        ),
      );
      for (const { uid } of done) {
        assert.equal(uid, model.uidNext++);
        live.set(uid, { flags, keywords: new Set(keywords) });
      }
      return;
    }
    case 2: {
      const mode = pick(["add", "remove", "replace"] as const, random);
      const { stored } = await it.messages.storeFlags(box.id, set, { mode, flags, keywords });
      assert.deepEqual(stored.map(({ uid }) => uid), some);
      for (const uid of some) {
        const message = live.get(uid);
        assert.ok(message);
        const old = message.keywords;
        if (mode === "replace") Object.assign(message, { flags, keywords: new Set(keywords) });
        if (mode === "add") {
          message.flags |= flags;
          message.keywords = new Set([...old, ...keywords]);
        }
        if (mode === "remove") {
          message.flags &= ~flags;
          message.keywords = new Set([...old].filter((keyword) => !keywords.includes(keyword)));
        }
      }
      return;
    }
    case 3: {
      const all = random(2) === 0;
      const { expunged } = await it.messages.expunge(box.id, all ? null : set);
      const expected = [...live].filter(([uid, message]) =>
        (message.flags & FLAG.deleted) !== 0 && (all || some.includes(uid))
      ).map(([uid]) => uid);
      assert.deepEqual([...expunged.values()], expected);
      for (const uid of expected) live.delete(uid);
      return;
    }
    case 4:
    case 5: {
      const target = pick(models, random);
      const moving = random(2) === 0;
      const account = target.box.accountId;
      const bodies = account === box.accountId ? {} : { bodies: "example.com/other/" };
      const to = { mailbox: target.box.id, account, ...bodies };
      const done = moving
        ? await it.messages.move(box.id, set, to)
        : await it.messages.copy(box.id, set, to);
      assert.deepEqual(done.source, some);
      for (const [at, uid] of some.entries()) {
        const message = live.get(uid);
        assert.ok(message);
        assert.equal(done.target[at], target.uidNext);
        if (moving) live.delete(uid);
        target.live.set(target.uidNext++, {
          flags: message.flags,
          keywords: new Set(message.keywords),
        });
      }
      return;
    }
    default: {
      if (box.name === "INBOX") return;
      const name = `${pick(["x", "y/z", "X/w"], random)} ${random(1000)}`;
      await it.mailboxes.rename(box.accountId, box.name, name);
      model.box = await it.mailboxes.find(box.accountId, name);
      assert.equal(model.box.id, box.id);
    }
  }
}

/** The store against the model, and what changes() tells against both. */
async function check(it: Fixture, model: Model, random: (below: number) => number) {
  const { box, live } = model;
  const now = await it.mailboxes.get(box.id);
  assert.ok(now);
  assert.deepEqual(await inconsistencies(it.db, box.id), []);
  assert.equal(now.uidNext, model.uidNext);
  const unseen = [...live.values()].filter(({ flags }) => (flags & FLAG.seen) === 0).length;
  assert.deepEqual([now.messages, now.unseen, now.sizeBytes], [
    live.size,
    unseen,
    live.size * 1000,
  ]);
  const { uids, modseq } = await it.messages.uids(box.id);
  assert.deepEqual([...uids], [...live.keys()]);
  assert.equal(modseq, now.highestModseq);
  const states = await it.messages.states(box.id, EVERY_UID);
  assert.deepEqual(
    states.map((state) => `${state.uid} ${state.flags} ${state.keywords.join(" ")}`),
    [...live].map(([uid, message]) => `${uid} ${asText(message)}`),
  );
  const firstUnseen = [...live].find(([, { flags }]) => (flags & FLAG.seen) === 0)?.[0] ?? null;
  assert.equal(await it.messages.firstUnseen(box.id), firstUnseen);
  for (;;) {
    const changes = await it.messages.changes(box.id, model.cursor, 1 + random(5));
    if (changes.length === 0) break;
    for (const { uid, flags, keywords, modseq, expunged } of changes) {
      assert.ok(modseq >= model.cursor);
      model.cursor = modseq;
      if (expunged) model.followed.delete(uid);
      else model.followed.set(uid, `${flags} ${keywords.join(" ")}`);
    }
  }
  assert.deepEqual(
    [...model.followed].sort(([a], [b]) => a - b),
    [...live].map(([uid, message]) => [uid, asText(message)]),
  );
  const flagged = [...live].filter(([, { flags }]) => (flags & FLAG.flagged) !== 0);
  const found = await it.messages.search(box.id, { flagsSet: FLAG.flagged });
  assert.deepEqual(found.uids, flagged.map(([uid]) => uid as Uid));
}

for (const seed of SEEDS) {
  Deno.test(`the store does what a simple model does, seed ${seed}`, async () => {
    await using it = await openFixture();
    const other = await it.accounts.create({ address: "b@example.com", passwordHash: "{X}" });
    const boxes = [
      it.inbox,
      await it.mailboxes.create(it.account, "one"),
      await it.mailboxes.create(it.account, "two/three"),
      await it.mailboxes.find(other.id, "INBOX"),
    ];
    const models = boxes.map((box) => new Model(box));
    const random = dice(seed);
    for (let n = 0; n < STEPS; n++) {
      await step(it, models, random);
      if (n % 5 === 4) { for (const model of models) await check(it, model, random); }
    }
  });
}
