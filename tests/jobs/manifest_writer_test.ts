import assert from "node:assert/strict";
import type { Blobs, ObjectKey } from "../../src/blobs/blobs.ts";
import { MANIFEST_PREFIX, readManifestKey } from "../../src/blobs/manifest_key.ts";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import {
  readAccountManifest,
  readMailboxManifest,
} from "../../src/jobs/manifests/read_manifest.ts";
import { ManifestWriter } from "../../src/jobs/manifest_writer.ts";
import { Refused, unavailable } from "../../src/lib/refused.ts";
import { readBodyDescription } from "../../src/lib/body_description.ts";
import { objectKey } from "../../src/blobs/blobs.ts";
import { sql } from "../../src/store/database.ts";
import { ManifestStore } from "../../src/store/manifests.ts";
import { openFixture, uidSet } from "../store/fixture.ts";
import { accountId, deliver, serverOn, write } from "./rebuild_fixture.ts";

async function manifestsOf(blobs: Blobs): Promise<ObjectKey[]> {
  const keys: ObjectKey[] = [];
  for await (const page of blobs.list(MANIFEST_PREFIX)) {
    keys.push(...page.map(({ key }) => key as ObjectKey));
  }
  return keys;
}

/** "base", "delta" and "account", sorted. */
async function kindsOf(blobs: Blobs): Promise<string> {
  const kinds = (await manifestsOf(blobs)).map((key) => readManifestKey(key)?.subject.kind ?? key);
  return kinds.sort().join(" ");
}

Deno.test("what changed is written, and nothing when nothing did", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs);
  await deliver(server, it.inbox, 1);
  await deliver(server, it.inbox, 2);
  assert.deepEqual((await server.manifests.look(0, 0)).behind, 1);
  await write(server);
  assert.equal(await kindsOf(blobs), "account base");
  const nothing = { due: [], behind: 0, oldestSeconds: 0, last: null };
  assert.deepEqual(await server.manifests.look(0, 0), nothing);
  const before = await manifestsOf(blobs);
  await write(server);
  assert.deepEqual(await manifestsOf(blobs), before);

  await it.messages.storeFlags(it.inbox.id, uidSet(1), { mode: "add", flags: 8, keywords: [] });
  await it.messages.expunge(it.inbox.id, uidSet(1));
  await deliver(server, it.inbox, 3, { keywords: ["Later"] });
  await write(server);
  assert.equal(await kindsOf(blobs), "account base delta");
  const key = (await manifestsOf(blobs)).find((each) => each.includes("-delta/"));
  const object = key && await blobs.get(key);
  assert.ok(object);
  const delta = await readMailboxManifest(object);
  assert.deepEqual([delta.header.uidNext, delta.header.keywords], [4, ["Later"]]);
  const lines = await Array.fromAsync(delta.lines());
  assert.deepEqual(lines.map(({ kind, uid }) => [kind, uid]), [["message", 3], ["gone", 1]]);
  const text = await server.writer.metrics.registry.metrics();
  assert.match(text, /sora_manifests_written_total\{kind="delta"[^}]*\} 1\n/);
  assert.match(text, /sora_manifest_bytes_total[^\n]* [1-9]\d*\n/);
});

Deno.test("deltas that outgrow their base become a new one, and what it replaces is deleted", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs);
  await deliver(server, it.inbox, 1);
  await write(server);
  const [first] = (await manifestsOf(blobs)).filter((key) => key.includes("-base/"));
  await it.db.write(sql`UPDATE manifest_progress SET delta_bytes = 20000`);
  await deliver(server, it.inbox, 2);
  await write(server);
  assert.equal(await kindsOf(blobs), "account base");
  const [second] = (await manifestsOf(blobs)).filter((key) => key.includes("-base/"));
  assert.notEqual(first, second);
  await it.db.write(sql`UPDATE mailboxes SET expunged_floor = highest_modseq + 1`);
  await deliver(server, it.inbox, 3);
  await write(server);
  assert.equal(await kindsOf(blobs), "account base", "nobody knows what was expunged");
});

Deno.test("while the object store is down nothing is lost; the next look writes it", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs);
  await deliver(server, it.inbox, 1);
  await it.mailboxes.create(it.account, "Other");
  await deliver(server, await it.mailboxes.find(it.account, "Other"), 2);
  const put = MemoryBlobs.prototype.put;
  let puts = 0;
  for (let allowed = 0; allowed < 2; allowed++) {
    puts = 0;
    blobs.put = (...args) =>
      puts++ < 1
        ? put.apply(blobs, args)
        : Promise.reject(unavailable("bodies", new Error("down")));
    await assert.rejects(write(server), Refused);
  }
  blobs.put = put;
  await write(server);
  await write(server);
  assert.equal(await kindsOf(blobs), "account base base");
  const rows = await it.db.query<{ obsolete: string[] }>(sql`
    SELECT obsolete FROM manifest_progress UNION ALL SELECT obsolete FROM manifest_accounts`);
  assert.deepEqual(rows.flatMap(({ obsolete }) => obsolete), []);
});

Deno.test("an object whose writer died before it was recorded is deleted by the next", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs);
  await deliver(server, it.inbox, 1);
  await write(server);
  await deliver(server, it.inbox, 2);
  const lost = new ManifestStore(it.db);
  lost.commit = () => Promise.reject(unavailable("database", new Error("gone")));
  await assert.rejects(
    write({ ...server, writer: { ...server.writer, manifests: lost } }),
    Refused,
  );
  assert.equal(await kindsOf(blobs), "account base delta");
  const [orphan] = (await manifestsOf(blobs)).filter((key) => key.includes("-delta/"));
  await deliver(server, it.inbox, 3);
  await write(server);
  const deltas = (await manifestsOf(blobs)).filter((key) => key.includes("-delta/"));
  assert.equal(deltas.length, 1);
  assert.notEqual(deltas[0], orphan);
});

Deno.test("many nodes write each mailbox once; one that died is taken over from", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const nodes = [1, 2, 3, 4].map(() => serverOn(it, blobs, { intervalMs: 3_600_000 }));
  const [first] = nodes;
  assert.ok(first);
  for (let n = 0; n < 40; n++) {
    await deliver(first, await it.mailboxes.create(it.account, `Box ${n}`), n);
  }
  const { due } = await first.manifests.look(0, 3_600_000);
  const [died] = await first.manifests.take(due.slice(0, 1), 3_600_000);
  assert.ok(died);
  await Promise.all(nodes.map(write));
  assert.equal(
    await kindsOf(blobs),
    ["account", ..."base ".repeat(39).trim().split(" ")].join(" "),
  );
  await it.db.write(sql`
    UPDATE manifest_progress SET leased_until = now() - interval '1 second' WHERE written_at IS NULL`);
  await write(first);
  assert.equal((await manifestsOf(blobs)).filter((key) => key.includes("-base/")).length, 40);
});

Deno.test("an account's manifest follows its account: changed, deleted, purged", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs, { isEncrypted: true });
  await deliver(server, it.inbox, 1);
  const read = async () => {
    const keys = (await manifestsOf(blobs)).filter((key) => key.includes("-account-"));
    assert.equal(keys.length, 1);
    const object = keys[0] && await blobs.get(keys[0]);
    assert.ok(object);
    return (await readAccountManifest(object)).content;
  };
  await write(server);
  assert.deepEqual((await read()).addresses, [["owner@example.com", true, "{X}"]]);
  await it.accounts.addCredential("owner@example.com", {
    address: "new@example.com",
    passwordHash: "{Y}",
  });
  await it.accounts.makePrimary("new@example.com");
  await write(server);
  const { address, addresses } = await read();
  assert.deepEqual([address, addresses.length], ["new@example.com", 2]);
  await it.mailboxes.create(it.account, "Short-lived");
  const short = await it.mailboxes.find(it.account, "Short-lived");
  await deliver(server, short, 2);
  await write(server);
  assert.equal(await kindsOf(blobs), "account base base");
  await it.mailboxes.delete(it.account, "Short-lived");
  await it.db.write(sql`
    UPDATE mailboxes SET deleted_at = now() - interval '2 hours' WHERE id = ${short.id}`);
  await it.accounts.delete("new@example.com");
  await write(server);
  assert.notEqual((await read()).deletedMs, null);
  assert.equal(await kindsOf(blobs), "account base");
  await it.db.write(sql`TRUNCATE accounts CASCADE`);
  await it.db.write(sql`DELETE FROM mailboxes`);
  await write(server);
  assert.equal(await kindsOf(blobs), "");
});

Deno.test("a body says where its message is", async () => {
  await using it = await openFixture();
  const server = serverOn(it, new MemoryBlobs());
  const hash = await deliver(server, it.inbox, 1, { flags: 1, keywords: ["$Work"] });
  const key = objectKey("owner@example.com", hash);
  const found = readBodyDescription(await server.manifests.describe(key));
  assert.ok(found);
  const { account, mailbox, uid, uidValidity, flags, keywords, internalMs, mailboxId } = found;
  assert.deepEqual(
    { account, mailbox, uid, uidValidity, flags, keywords, internalMs, mailboxId },
    {
      account: "owner@example.com",
      mailbox: "INBOX",
      uid: 1,
      uidValidity: it.inbox.uidValidity,
      flags: 1,
      keywords: ["$Work"],
      internalMs: Date.UTC(2026, 0, 1) + 1000,
      mailboxId: it.inbox.id,
    },
  );
  assert.deepEqual(await server.manifests.describe(objectKey("other@example.com", hash)), {});
  assert.deepEqual(await server.manifests.describe("sora/key-check-one"), {});
});

Deno.test("the job writes by itself, and stops when it is told to", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const server = serverOn(it, blobs, { intervalMs: 1, firstLookMs: 0 });
  await deliver(server, it.inbox, 1);
  assert.equal(await accountId(it), it.account);
  const until = Date.now() + 20_000;
  {
    await using _writer = new ManifestWriter(server.writer);
    while (await kindsOf(blobs) !== "account base" && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  assert.equal(await kindsOf(blobs), "account base");
});
