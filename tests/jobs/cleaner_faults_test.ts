import assert from "node:assert/strict";
import type { DeleteOptions, ObjectKey } from "../../src/blobs/blobs.ts";
import { type Database, sql } from "../../src/store/database.ts";
import { FLAG } from "../../src/store/messages.ts";
import { PurgeStore } from "../../src/store/purge.ts";
import { AccountPurge } from "../../src/store/purge_accounts.ts";
import { MailboxPurge } from "../../src/store/purge_mailboxes.ts";
import { type CleanerFixture, keyOf, openCleanerFixture } from "./cleaner_fixture.ts";

/** More than a round has steps. */
const STEPS_MAX = 200;

class Killed extends Error {
  override readonly name = "Killed";
}

/** Everything that a cleaner does passes here, until it is killed. */
class Fate {
  #left: number;
  isKilled = false;

  constructor(steps: number) {
    this.#left = steps;
  }

  /** Nothing goes on behind this when it is the last step: not even what is to be undone. */
  step(): void {
    if (this.isKilled || this.#left-- <= 0) {
      this.isKilled = true;
      throw new Killed();
    }
  }
}

/** Each statement, and each COMMIT, is a step. */
function mortal(db: Database, fate: Fate): Database {
  return new Proxy(db, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (name === "query" || name === "write") fate.step();
        if (name !== "transaction") return Reflect.apply(member, target, args);
        const [work, options] = args as Parameters<Database["transaction"]>;
        return target.transaction(async (tx) => {
          const result = await work({
            query: (statement) => {
              fate.step();
              return tx.query(statement);
            },
            script: (text) => tx.script(text),
          });
          fate.step();
          return result;
        }, options);
      };
    },
  }) as Database;
}

/** Each body that goes is a step. */
function mortalBlobs({ blobs }: CleanerFixture, fate: Fate) {
  return {
    async info(key: ObjectKey) {
      fate.step();
      return await blobs.info(key);
    },
    async deleteMany(keys: readonly ObjectKey[], options?: DeleteOptions) {
      for (const key of keys) {
        fate.step();
        await blobs.deleteMany([key], options);
      }
      fate.step();
    },
  };
}

/** Something of everything that a cleaner has to do, and something that it must leave alone. */
async function fill(it: CleanerFixture, round: number): Promise<void> {
  const { inbox, mailboxes, messages, account } = it;
  const deleted = { flags: FLAG.deleted };
  const box = await mailboxes.create(account, `Box ${round}`);
  await it.deliver(inbox, `live ${round}`);
  await it.deliver(inbox, `both ${round}`);
  await it.deliver(inbox, `both ${round}`, deleted);
  await it.deliver(inbox, `gone ${round}`, deleted);
  await it.deliver(box, `gone ${round}`, deleted);
  await it.deliver(box, `with the box ${round}`);
  await it.deliver(box, `both ${round}`);
  await messages.expunge(inbox.id, null);
  await messages.expunge(box.id, null);
  await mailboxes.delete(account, `Box ${round}`);
  await it.age(15);
  await it.deliver(inbox, `restorable ${round}`, deleted);
  await messages.expunge(inbox.id, null);
}

/** Whatever is live, or listed as one that can be restored, has its body. */
async function check(it: CleanerFixture): Promise<void> {
  const rows = await it.db.query<{ key: ObjectKey }>(sql`
    SELECT object_key || encode(hash, 'hex') AS key FROM messages
    JOIN message_state USING (mailbox_id, uid) JOIN mailboxes ON mailboxes.id = mailbox_id
    WHERE deleted_at IS NULL`);
  for (const { key } of rows) assert.ok(await it.blobs.exists(key), `${key} of a live message`);
  const page = await it.restore.deleted(it.account, { filter: {}, limit: 10_000 });
  for (const message of page.messages) {
    const [row] = await it.db.query<{ key: ObjectKey }>(sql`
      SELECT object_key || encode(hash, 'hex') AS key FROM messages
      WHERE mailbox_id = ${message.mailbox} AND uid = ${message.uid}`);
    assert.ok(row && await it.blobs.exists(row.key), `${message.subject} can be restored`);
  }
}

Deno.test("a cleaner that is killed at any step leaves nothing that is wrong", async () => {
  await using it = await openCleanerFixture();
  let rounds = 0;
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    await fill(it, steps);
    const fate = new Fate(steps);
    const db = mortal(it.db, fate);
    const round = await it.clean({
      purge: new PurgeStore(db),
      mailboxes: new MailboxPurge(db),
      accounts: new AccountPurge(db),
      blobs: mortalBlobs(it, fate),
    });
    await check(it);
    rounds++;
    if (!fate.isKilled) break;
    assert.ok(round.kind === "failed" && round.error instanceof Killed);
  }
  assert.ok(rounds > 40 && rounds < STEPS_MAX, `${rounds} rounds`);
  const last = await it.clean();
  assert.ok(last.kind === "done" && last.isWhole);
  await check(it);
  for (let n = 0; n < rounds; n++) {
    const there = (body: string) => it.blobs.exists(keyOf(`${body} ${n}`));
    const bodies = ["live", "both", "restorable", "gone", "with the box"];
    // WHY: what could be restored in one round is too old in the next ones.
    const old = n < rounds - 1;
    assert.deepEqual(await Promise.all(bodies.map(there)), [true, true, !old, false, false]);
  }
  const counts = await Promise.all(["mailboxes", "messages", "stale_texts"].map(it.count));
  assert.deepEqual(counts, [6, 2 * rounds + 1, 0]);
});
