import assert from "node:assert/strict";
import { type ObjectKey, objectKey } from "../../src/blobs/blobs.ts";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { MemorySpooled } from "../../src/blobs/spooled.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import { unavailable } from "../../src/lib/refused.ts";
import { readBody } from "../../src/jobs/read_body.ts";
import { Scrubber } from "../../src/jobs/scrubber.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { sql } from "../../src/store/database.ts";
import type { MailboxId } from "../../src/lib/ids.ts";
import type { Mailbox } from "../../src/store/mailboxes.ts";
import { ScrubStore } from "../../src/store/scrubs.ts";
import { type Fixture, hashOf, openFixture, someFacts, someMessage } from "../store/fixture.ts";

const OWNER = "owner@example.com";
const HOUR_MS = 3_600_000;

interface Body {
  readonly objectKey: ObjectKey;
  readonly hash: ReturnType<typeof hashOf>;
  readonly sizeBytes: number;
}

function bodyOf(text: string): Body {
  const hash = hashOf(text);
  return { hash, objectKey: objectKey(OWNER, hash), sizeBytes: text.length };
}

async function put(blobs: MemoryBlobs, key: ObjectKey, text: string): Promise<void> {
  const hash = hashOf(text);
  const body = { bytes: fromBinary(text), prefixBytes: 0, hash, receivedHash: hash };
  await blobs.put(key, new MemorySpooled(body), { overwrite: true });
}

Deno.test("readBody() knows a body that is whole from one that is not", async () => {
  const long = "x".repeat(3 * 1024 * 1024 + 5);
  const cases: readonly (readonly [stored: string | null, wanted: string, is: string | null])[] = [
    ["a body", "a body", null],
    [long, long, null],
    ["", "", null],
    [null, "a body", "missing"],
    ["a bod", "a body", "size"],
    ["a bodz", "a body", "hash"],
    [`${long.slice(1)}y`, long, "hash"],
  ];
  for (const [stored, wanted, is] of cases) {
    const blobs = new MemoryBlobs();
    const body = bodyOf(wanted);
    if (stored !== null) await put(blobs, body.objectKey, stored);
    assert.equal(await readBody(blobs, body), is);
  }
});

Deno.test("readBody() says nothing about a body while the storage is in trouble", async () => {
  const blobs = new MemoryBlobs();
  const body = bodyOf("a body");
  await put(blobs, body.objectKey, "a body");
  const trouble = () => Promise.reject(unavailable("bodies", new Error("no answer")));
  blobs.range = trouble;
  assert.equal(
    await readBody(blobs, body),
    "unreadable",
    "the storage answers, but not for this one",
  );
  blobs.size = trouble;
  await assert.rejects(readBody(blobs, body), { refusal: { kind: "unavailable", what: "bodies" } });
});

/** Scrubs until every mailbox has been read. */
async function scrub(
  it: Fixture,
  blobs: MemoryBlobs,
  { bytesPerSecond = 1e9, scrubs = new ScrubStore(it.db) } = {},
): Promise<Metrics> {
  const metrics = new Metrics();
  const options = { scrubs, blobs, intervalMs: HOUR_MS, bytesPerSecond, log: logger("test") };
  await using _scrubber = new Scrubber({ ...options, metrics, firstLookMs: 0 });
  for (;;) {
    const { messages, verified } = await scrubs.status(1);
    if (messages === verified) return metrics;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function append(it: Fixture, mailbox: Mailbox, text: string): Promise<Body> {
  const body = bodyOf(text);
  const facts = someFacts({ sizeBytes: text.length });
  await it.messages.append(someMessage(mailbox, { ...body, facts }));
  return body;
}

Deno.test("every body is read once; what is damaged is kept until it is whole again", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  const trash = await it.mailboxes.find(it.account, "Trash");
  for (let n = 0; n < 120; n++) {
    await put(blobs, (await append(it, it.inbox, `message ${n}`)).objectKey, `message ${n}`);
  }
  const changed = await append(it, it.inbox, "changed");
  await put(blobs, changed.objectKey, "chanGed");
  const missing = await append(it, trash, "missing");

  const damaged = () =>
    it.db.query<{ key: string; damage: string }>(sql`
      SELECT object_key AS key, damage FROM damaged_bodies ORDER BY damage`);
  const metrics = await scrub(it, blobs);
  assert.deepEqual(await damaged(), [
    { key: changed.objectKey, damage: "hash" },
    { key: missing.objectKey, damage: "missing" },
  ]);
  const text = await metrics.registry.metrics();
  assert.match(text, /sora_scrubbed_bodies_total\{result="ok"[^}]*\} 120/);
  assert.match(text, /sora_scrubbed_bodies_total\{result="hash"[^}]*\} 1/);
  assert.match(text, /sora_scrubbed_bodies_total\{result="missing"[^}]*\} 1/);

  assert.deepEqual(await new ScrubStore(it.db).due(HOUR_MS, 10), [], "nothing is due");
  await put(blobs, changed.objectKey, "changed");
  await put(blobs, missing.objectKey, "missing");
  await it.db.write(sql`UPDATE scrub_progress SET finished_at = now() - interval '2 days'`);
  await scrub(it, blobs);
  assert.deepEqual(await damaged(), []);
});

Deno.test("a body that is not uploaded yet is not looked for", async () => {
  await using it = await openFixture();
  const { objectKey } = await append(it, it.inbox, "still here");
  await it.db.write(sql`
    INSERT INTO pending_uploads (object_key, account_id, size_bytes, instance_id)
    VALUES (${objectKey}, ${it.account}, 10, 'another')`);
  await scrub(it, new MemoryBlobs());
  assert.deepEqual(await it.db.query(sql`SELECT * FROM damaged_bodies`), []);
});

Deno.test("damage of a body that no message has any more is forgotten", async () => {
  await using it = await openFixture();
  const scrubs = new ScrubStore(it.db);
  const kept = await append(it, it.inbox, "kept");
  await scrubs.report({ ...kept, accountId: it.account }, "hash");
  await scrubs.report({ ...bodyOf("purged"), accountId: it.account }, "missing");
  await scrubs.forgetUnused();
  assert.deepEqual(await it.db.query(sql`SELECT object_key AS key FROM damaged_bodies`), [
    { key: kept.objectKey },
  ]);
});

Deno.test("a mailbox is read by one node at a time, and taken over from one that is gone", async () => {
  await using it = await openFixture();
  await append(it, it.inbox, "a");
  const scrubs = new ScrubStore(it.db);
  const { id } = it.inbox;
  const taken = await Promise.all([scrubs.take(id, HOUR_MS), scrubs.take(id, HOUR_MS)]);
  assert.equal(taken.filter((mailbox) => mailbox !== null).length, 1);
  assert.deepEqual(await scrubs.due(HOUR_MS, 10), []);
  await it.db.write(sql`UPDATE scrub_progress SET leased_until = now() - interval '1 second'`);
  assert.deepEqual(await scrubs.due(HOUR_MS, 10), [id]);
  assert.equal((await scrubs.take(id, HOUR_MS))?.id, id);
  await scrubs.advance(id, null);
  assert.equal(await scrubs.take(id, HOUR_MS), null);
  assert.deepEqual(await scrubs.due(HOUR_MS, 10), []);
});

Deno.test("mailboxes are read in order, however many are looked for at a time", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  for (let n = 0; n < 130; n++) {
    const text = `message ${n}`;
    const box = await it.mailboxes.create(it.account, `Box ${n}`);
    await put(blobs, (await append(it, box, text)).objectKey, text);
  }
  const scrubs = new ScrubStore(it.db);
  let looks = 0;
  const due = scrubs.due.bind(scrubs);
  scrubs.due = (...args) => {
    looks++;
    return due(...args);
  };
  await scrub(it, blobs, { scrubs });
  const rows = await it.db.query<{ id: MailboxId }>(sql`
    SELECT mailbox_id AS id FROM scrub_progress ORDER BY finished_at`);
  assert.equal(rows.length, 130);
  assert.deepEqual(rows, rows.toSorted((a, b) => a.id - b.id));
  assert.ok(looks <= 3, `${looks} looks at all mailboxes`);
});

Deno.test("a scrubber that is stopped goes on where it was", async () => {
  await using it = await openFixture();
  const blobs = new MemoryBlobs();
  for (let n = 0; n < 60; n++) {
    await put(blobs, (await append(it, it.inbox, `message ${n}`)).objectKey, `message ${n}`);
  }
  const scrubs = new ScrubStore(it.db);
  const options = { scrubs, blobs, intervalMs: HOUR_MS, bytesPerSecond: 1e5, log: logger("test") };
  {
    await using _scrubber = new Scrubber({ ...options, metrics: new Metrics(), firstLookMs: 0 });
    for (;;) {
      const [row] = await it.db.query<{ uid: number }>(
        sql`SELECT read_uid AS uid FROM scrub_progress`,
      );
      if ((row?.uid ?? 0) >= 50) break;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
  const [{ uid } = { uid: 0 }] = await it.db.query<{ uid: number }>(
    sql`SELECT read_uid AS uid FROM scrub_progress`,
  );
  const metrics = await scrub(it, blobs);
  const text = await metrics.registry.metrics();
  const [, read] = /sora_scrubbed_bodies_total\{result="ok"[^}]*\} (\d+)/.exec(text) ?? [];
  assert.equal(Number(read ?? 0), uid === 0 ? 0 : 60 - uid);
});
