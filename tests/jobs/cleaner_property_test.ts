import assert from "node:assert/strict";
import type { ObjectKey, PendingUpload } from "../../src/blobs/blobs.ts";
import type { Spooled } from "../../src/blobs/spool.ts";
import { UploadBatch } from "../../src/jobs/upload_batch.ts";
import { Uploader } from "../../src/jobs/uploader.ts";
import type { Uid } from "../../src/lib/ids.ts";
import { NumberSet } from "../../src/lib/number_set.ts";
import { Refused } from "../../src/lib/refused.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { sql } from "../../src/store/database.ts";
import { FLAG } from "../../src/store/messages.ts";
import type { Mailbox } from "../../src/store/mailboxes.ts";
import { UploadStore } from "../../src/store/uploads.ts";
import { spooled } from "../blobs/contract.ts";
import { stagedBench } from "../blobs/staged.ts";
import { someFacts, someMessage } from "../store/fixture.ts";
import { dice, type Roll } from "../support/dice.ts";
import { type CleanerFixture, expungeAll, keyOf, openCleanerFixture } from "./cleaner_fixture.ts";
import { PlayedClock, SlowBlobs } from "./slow_blobs.ts";

const SEEDS = [1, 2, 3];
/** Deliveries of each of those who deliver. */
const DELIVERIES = 120;
const DELIVERERS = 3;
const BODIES = Array.from({ length: 10 }, (_, n) => `body ${n}`);

/** Everybody at once; what they do is decided by the seed. */
class World {
  readonly clock = new PlayedClock();
  readonly blobs: SlowBlobs;
  readonly #random: Roll;
  readonly #it: CleanerFixture;
  boxes: Mailbox[];
  isOver = false;
  /** Their bodies may be left: `verify storage` finds them. */
  readonly refused = new Set<string>();

  /** How bodies get there; default: as on a disk. */
  put: (key: ObjectKey, body: Spooled) => Promise<PendingUpload | null>;
  /** A body is there, or will be. */
  isThere: (key: ObjectKey) => Promise<boolean>;

  constructor(it: CleanerFixture, { random, boxes }: { random: Roll; boxes: Mailbox[] }) {
    this.#it = it;
    this.#random = random;
    this.blobs = new SlowBlobs(random, this.clock);
    this.put = (key, body) => this.blobs.put(key, body);
    this.isThere = (key) => this.blobs.exists(key);
    this.boxes = boxes;
  }

  async deliver(): Promise<void> {
    const { blobs, clock } = this;
    const { messages } = this.#it;
    const body = pick(BODIES, this.#random);
    const spool = await spooled(body);
    const way = { since: clock.ms };
    clock.onTheWay.add(way);
    try {
      const pending = await this.put(keyOf(body), spool);
      await blobs.delay();
      const facts = someFacts({ sizeBytes: body.length, subject: body });
      const fields = { hash: spool.hash, objectKey: keyOf(body), facts, pending };
      const box = pick(this.boxes, this.#random);
      const done = await gently(() => messages.append(someMessage(box, fields)));
      if (!done) this.refused.add(body);
    } finally {
      clock.onTheWay.delete(way);
    }
  }

  async change(): Promise<void> {
    const { messages, mailboxes, restore, account } = this.#it;
    const random = this.#random;
    const box = pick(this.boxes, random);
    const other = pick(this.boxes, random);
    const target = { mailbox: other.id, account };
    const live = await gently(() => messages.uids(box.id));
    const some = NumberSet.from([...live?.uids ?? []].filter(() => random(2) === 0) as Uid[]);
    switch (random(8)) {
      case 0:
        return void await gently(() => messages.copy(box.id, some, target));
      case 1:
        return void await gently(() => messages.move(box.id, some, target));
      case 2: {
        const { messages: gone } = await restore.deleted(account, { filter: {}, limit: 20 });
        const ids = gone.filter(() => random(4) === 0);
        return void await gently(() => restore.restore(account, ids, other.id));
      }
      case 3: {
        const { messages: gone } = await restore.deleted(account, { filter: {}, limit: 20 });
        return void await gently(() => restore.copy(account, gone.slice(0, 2), other.id));
      }
      case 4: {
        await mailboxes.delete(account, "B");
        const again = await mailboxes.create(account, "B");
        this.boxes = this.boxes.map((one) => one.name === "B" ? again : one);
        return;
      }
      default: {
        const deleted = { mode: "add", flags: FLAG.deleted, keywords: [] } as const;
        await gently(() => messages.storeFlags(box.id, some, deleted));
        return void await gently(() => messages.expunge(box.id, null));
      }
    }
  }

  /** Every live message has its body. */
  async check(): Promise<void> {
    for (const { id, uid, key } of await this.#live()) {
      if (await this.isThere(key)) continue;
      const still = await this.#live();
      const isLost = still.some((row) => row.id === id && row.uid === uid) &&
        !await this.isThere(key);
      assert.ok(!isLost, `message ${uid} of mailbox ${id} has lost its body ${key}`);
    }
  }

  #live(): Promise<{ id: number; uid: number; key: ObjectKey }[]> {
    return this.#it.db.query(sql`
      SELECT state.mailbox_id AS id, state.uid, object_key || encode(hash, 'hex') AS key
      FROM message_state AS state JOIN messages USING (mailbox_id, uid)
      JOIN mailboxes ON mailboxes.id = state.mailbox_id AND deleted_at IS NULL`);
  }
}

function pick<T>(items: readonly T[], random: Roll): T {
  const item = items[random(items.length)];
  assert.ok(item !== undefined);
  return item;
}

/** A refusal is an answer: the mailbox has just been deleted. */
async function gently<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refused && error.refusal.kind !== "unavailable") return null;
    throw error;
  }
}

/** Nobody keeps two nodes from cleaning at once here: no lock, and what they do must be right all the same. */
const noLock = () =>
  Promise.resolve({
    lost: new AbortController().signal,
    isHeld: () => Promise.resolve(true),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });

interface Played {
  readonly it: CleanerFixture;
  readonly world: World;
  /** What else goes on, until the deliveries are done. */
  readonly others?: readonly (() => Promise<unknown>)[];
  readonly isRecorded: boolean;
}

/** Everybody at once, two cleaners among them; then all is deleted, and has to go. */
async function play({ it, world, others = [], isRecorded }: Played): Promise<void> {
  const options = {
    hold: noLock,
    blobs: world.blobs,
    isRecorded,
    now: () => new Date(world.clock.ms),
  };
  const clean = async () => {
    const round = await it.clean(options, { gracePeriodMs: 0 });
    if (round.kind !== "done") throw new Error("Cannot clean", { cause: round });
  };
  const until = async (work: () => Promise<unknown>) => {
    while (!world.isOver) await work();
  };
  const deliveries = Promise.all(Array.from({ length: DELIVERERS }, async () => {
    for (let i = 0; i < DELIVERIES; i++) await world.deliver();
  })).finally(() => world.isOver = true);
  const tick = async () => {
    world.clock.tick();
    await world.blobs.delay();
  };
  const all = [() => world.change(), clean, clean, tick, () => world.check(), ...others];
  const results = await Promise.allSettled([deliveries, ...all.map(until)]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
  for (const other of others) await other();
  await world.check();
  assert.ok(world.blobs.removed > 0, "the cleaner had something to do");
  assert.ok(world.blobs.cameBack > 0, "bodies were delivered that had been removed");
  for (const box of world.boxes) await expungeAll(it, box);
  world.clock.ms += 2 * 3_600_000;
  await clean();
  for (const body of BODIES) {
    assert.ok(world.refused.has(body) || !await world.blobs.exists(keyOf(body)), `${body} is left`);
  }
  assert.equal(await it.count("messages"), 0);
}

async function openWorld(it: CleanerFixture, seed: number): Promise<World> {
  const boxes = [it.inbox, await it.mailboxes.create(it.account, "B")];
  return new World(it, { random: dice(seed), boxes });
}

for (const seed of SEEDS) {
  Deno.test(`no body goes that a live message needs, seed ${seed}`, async () => {
    await using it = await openCleanerFixture();
    await play({ it, world: await openWorld(it, seed), isRecorded: false });
  });

  Deno.test(`no object goes that a live message needs, with two uploaders, seed ${seed}`, async () => {
    await using it = await openCleanerFixture();
    const { db, notices } = it;
    const world = await openWorld(it, seed);
    const remote = world.blobs;
    const uploads = new UploadStore(db);
    await using here = await stagedBench({ pending: uploads, remote, instanceId: "here" });
    await using there = await stagedBench({ pending: uploads, remote, instanceId: "there" });
    const rounds = [here, there].map(({ staging }, at) => {
      const instanceId = at === 0 ? "here" : "there";
      const metrics = new Metrics();
      const options = { db, uploads, staging, cache: null, remote, concurrency: 4, verify: true };
      const uploader = new Uploader({
        uploads,
        batch: new UploadBatch({ ...options, metrics }),
        notices,
        isStaged: () => Promise.resolve(false),
        instanceId,
        batchSize: 5,
        concurrency: 4,
        retryIntervalMs: 0,
        log: logger("test"),
        metrics,
      });
      return async () => {
        if (await uploader.round() === 0) await remote.delay();
      };
    });
    let turn = 0;
    world.put = (key, body) => (turn++ % 2 === 0 ? here : there).blobs.put(key, body);
    // WHY in this order: a body is there before it is no longer pending.
    world.isThere = async (key) => await uploads.find(key) !== null || await remote.exists(key);
    await play({ it, world, others: rounds, isRecorded: true });
  });
}
