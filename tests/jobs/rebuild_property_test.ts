import assert from "node:assert/strict";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { sql } from "../../src/store/database.ts";
import { openFixture, uidSet } from "../store/fixture.ts";
import { dice } from "../support/dice.ts";
import {
  accountId,
  contentOf,
  deliver,
  openEmpty,
  rebuilt,
  type Server,
  serverOn,
  write,
} from "./rebuild_fixture.ts";

const SEEDS = Array.from({ length: 4 }, (_, i) => i + 1);
const STEPS = 120;

/** One random thing that users do. */
async function act(server: Server, roll: (sides: number) => number, n: number): Promise<void> {
  const { it } = server;
  const { mailboxes, messages, account } = it;
  const all = await mailboxes.list(account);
  const any = () => all[roll(all.length)] ?? it.inbox;
  const [from, to] = [any(), any()];
  const uids = uidSet(
    ...[1, 2, 3].map(() => 1 + roll(Math.max(1, from.uidNext))).sort((a, b) => a - b)
      .filter((uid, i, sorted) => sorted.indexOf(uid) === i),
  );
  switch (roll(12)) {
    case 0:
      return void await mailboxes.create(account, `Box ${n}/Level ${roll(3)}`);
    case 1:
      if (from.name === "INBOX" || from.specialUse) return;
      return await mailboxes.delete(account, from.name).catch(() => {});
    case 2:
      if (from.name === "INBOX") return;
      return void await mailboxes.rename(account, from.name, `Renamed ${n}`);
    case 3:
    case 4:
      return void await messages.storeFlags(from.id, uids, {
        mode: roll(2) ? "add" : "replace",
        flags: roll(32),
        keywords: roll(3) ? [] : [`key${roll(4)}`],
      });
    case 5:
      return void await messages.expunge(from.id, uids);
    case 6:
      return void await messages.copy(from.id, uids, { mailbox: to.id, account });
    case 7:
      if (from.id === to.id) return;
      return void await messages.move(from.id, uids, { mailbox: to.id, account });
    default:
      return void await deliver(server, from, n, { flags: roll(8) & ~8 });
  }
}

async function hashes(server: Pick<Server, "it">, address: string): Promise<Set<string>> {
  const rows = await server.it.db.query<{ hash: string }>(sql`
    SELECT DISTINCT encode(hash, 'hex') AS hash FROM message_state JOIN messages USING (mailbox_id, uid)
    JOIN mailboxes ON id = mailbox_id
    WHERE deleted_at IS NULL
      AND account_id = (SELECT account_id FROM credentials WHERE address = ${address})`);
  return new Set(rows.map(({ hash }) => hash));
}

for (const seed of SEEDS) {
  Deno.test(`whenever the database is lost, no mail is, seed ${seed}`, async () => {
    const roll = dice(seed);
    await using it = await openFixture();
    const blobs = new MemoryBlobs();
    const server = serverOn(it, blobs);
    for (let n = 1; n <= STEPS; n++) {
      await act(server, roll, n);
      if (roll(9) === 0) await write(server);
    }
    {
      await using suddenly = await openEmpty();
      const report = await rebuilt(suddenly, blobs);
      assert.equal(report.accounts[0]?.lost, 0);
      const found = await hashes({ it: suddenly }, "owner@example.com");
      const missing = [...await hashes(server, "owner@example.com")].filter((hash) =>
        !found.has(hash)
      );
      assert.deepEqual(missing, []);
    }
    await write(server);
    await using calmly = await openEmpty();
    const report = await rebuilt(calmly, blobs);
    assert.deepEqual(report.problems, []);
    assert.deepEqual(
      await contentOf(calmly.db, await accountId(calmly)),
      await contentOf(it.db, it.account),
    );
  });
}
