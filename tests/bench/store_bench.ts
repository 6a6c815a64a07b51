import { createHash } from "node:crypto";
import type { Hash, Uid } from "../../src/lib/ids.ts";
import { NumberSet } from "../../src/lib/number_set.ts";
import { sql } from "../../src/store/database.ts";
import { EVERY_UID, openFixture, someFacts, someMessage, uidSet } from "../store/fixture.ts";

/** Messages of the large mailbox. */
const LARGE = 100_000;

const it = await openFixture({ maxConnections: 16 });

/** A header of the usual size: some 3 KB of trace and DKIM lines. */
const header = new TextEncoder().encode(
  Array.from({ length: 40 }, (_, n) => `X-Header-${n}: ${"abc def ".repeat(8)}${n}\r\n`).join(""),
);
const facts = someFacts({
  header,
  headerBytes: header.length,
  sizeBytes: 10_000,
  envelope: someFacts().envelope.padEnd(350, " "),
  bodyStructure: someFacts().bodyStructure.padEnd(250, " "),
  structure: JSON.stringify({ type: "text", rest: "x".repeat(300) }),
});

let serial = 0;
function nextMessage(mailbox = it.inbox) {
  const hash = createHash("sha256").update(`${serial++}`).digest("hex") as Hash;
  return someMessage(mailbox, {
    facts,
    hash,
    objectKey: `example.com/owner/${hash}`,
    deliveryKey: hash,
  });
}

const large = await it.mailboxes.create(it.account, "Large");
await it.db.transaction(async (tx) => {
  await it.messages.append(nextMessage(large));
  await tx.query(sql`
    INSERT INTO messages SELECT mailbox_id, uid + n, created_modseq, internal_date, saved_at,
      sent_date, size_bytes, header_bytes, hash, object_key, message_id, in_reply_to,
      reference_ids, 'Subject ' || n, base_subject, from_text, to_text, cc_text, bcc_text,
      envelope, body_structure, structure, CASE WHEN n < 5000 THEN header END
    FROM messages, generate_series(1, ${LARGE - 1}::int) AS n WHERE mailbox_id = ${large.id}`);
  await tx.query(sql`
    INSERT INTO message_state SELECT mailbox_id, uid + n, modseq, n % 16,
      CASE WHEN n % 10 = 0 THEN ARRAY['$Work'] END
    FROM message_state, generate_series(1, ${LARGE - 1}::int) AS n WHERE mailbox_id = ${large.id}`);
}, { timeoutMs: 120_000 });
await it.db.write(sql`
  UPDATE mailboxes SET messages = ${LARGE}, uid_next = ${LARGE + 1}, size_bytes = ${LARGE * 10_000},
    unseen = (SELECT count(*) FROM message_state WHERE mailbox_id = mailboxes.id AND flags & 1 = 0)
  WHERE id = ${large.id}`);
for (const table of ["messages", "message_state"]) {
  await it.db.transaction(async (tx) => await tx.script(`ANALYZE ${table}`));
}

const targets = await Promise.all(
  Array.from({ length: 16 }, (_, n) => it.mailboxes.create(it.account, `Target ${n}`)),
);

Deno.bench("append: one message, one mailbox", async () => {
  await it.messages.append(nextMessage());
});

Deno.bench("append: 16 callers, one mailbox, 160 messages", async () => {
  await Promise.all(targets.map(async () => {
    for (let n = 0; n < 10; n++) await it.messages.append(nextMessage());
  }));
});

Deno.bench("append: 16 callers, 16 mailboxes, 160 messages", async () => {
  await Promise.all(targets.map(async (target) => {
    for (let n = 0; n < 10; n++) await it.messages.append(nextMessage(target));
  }));
});

Deno.bench("append: 640 messages at once, one mailbox", async () => {
  await Promise.all(Array.from({ length: 640 }, () => it.messages.append(nextMessage())));
});

Deno.bench("uids of 100,000 messages", async () => {
  await it.messages.uids(large.id);
});

Deno.bench("states of 100,000 messages", async () => {
  await it.messages.states(large.id, EVERY_UID);
});

Deno.bench("rows: 10,000 × envelope and body structure in chunks of 1,000", async () => {
  for (let from = 1; from < 10_000; from += 1000) {
    const uids = NumberSet.of([[from as Uid, from + 999 as Uid]]);
    await it.messages.rows(large.id, uids, { envelope: true, bodyStructure: true });
  }
});

Deno.bench("rows: 1,000 × header", async () => {
  await it.messages.rows(large.id, NumberSet.of([[1 as Uid, 1000 as Uid]]), { header: true });
});

Deno.bench("storeFlags: one message", async () => {
  const flags = serial++ % 16;
  await it.messages.storeFlags(large.id, uidSet(500), { mode: "replace", flags, keywords: [] });
});

Deno.bench("storeFlags: 1,000 messages", async () => {
  const uids = NumberSet.of([[1000 as Uid, 1999 as Uid]]);
  const flags = serial++ % 16;
  await it.messages.storeFlags(large.id, uids, { mode: "replace", flags, keywords: [] });
});

Deno.bench("copy: 100 messages", async () => {
  const uids = NumberSet.of([[1000 as Uid, 1099 as Uid]]);
  await it.messages.copy(large.id, uids, { mailbox: it.inbox.id, account: it.account });
});

Deno.bench("search: subject substring in 100,000 messages", async () => {
  await it.messages.search(large.id, { header: "subject", contains: "ject 4242" });
});

Deno.bench("mailboxes: find", async () => {
  await it.mailboxes.find(it.account, "inbox");
});
