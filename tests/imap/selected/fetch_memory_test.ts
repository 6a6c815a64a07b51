import assert from "node:assert/strict";
import { makeWorld } from "../../support/imap.ts";
import { MemoryBlobs } from "../../../src/blobs/memory_blobs.ts";
import { sendResponses } from "../../../src/imap/commands/fetch/send.ts";
import { fetchItems } from "../../../src/imap/commands/fetch/items.ts";
import type { Replies } from "../../../src/imap/replies.ts";
import { SessionMemory } from "../../../src/imap/session_memory.ts";
import { StoredMessage } from "../../../src/imap/view/stored_message.ts";
import type { View } from "../../../src/imap/view/view.ts";
import { Scanner } from "../../../src/imap/wire/scanner.ts";
import { NumberSet } from "../../../src/lib/number_set.ts";
import type { Uid } from "../../../src/lib/ids.ts";
import type { Connection } from "../../../src/net/connection.ts";

const MIB = 1024 * 1024;
const LINE = `${"QUJD".repeat(18)}\r\n`;
const MIME = "MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n";

/** What is queued at most between two looks at whether the client keeps up, and all that is sent. */
async function sent(items: string, message: string, { limitBytes = 0, count = 1 } = {}) {
  const blobs = new MemoryBlobs();
  await using world = await makeWorld("empty", { blobs });
  for (let n = 0; n < count; n++) await world.deliver(message);
  const { services: { mailboxes, messages } } = world;
  const { id } = await mailboxes.find(world.account.id, "INBOX");
  const all = NumberSet.of<Uid>([[1 as Uid, count as Uid]]);
  const rows = await messages.rows(id, all, { header: true, structure: true });
  const seen = { queued: 0, most: 0, all: 0, reads: 0, readAtFirst: 0 };
  const get = blobs.get.bind(blobs);
  blobs.get = (key) => {
    seen.reads++;
    return get(key);
  };
  const reply: Pick<Replies, "raw" | "drained"> = {
    raw(data) {
      if (seen.all === 0) seen.readAtFirst = seen.reads;
      seen.queued += data.length;
      seen.all += data.length;
      seen.most = Math.max(seen.most, seen.queued);
    },
    drained: () => {
      seen.queued = 0;
      return Promise.resolve();
    },
  };
  const view: Pick<View, "fetchHead"> = { fetchHead: () => "* 1 FETCH (" };
  const asked = rows.map((row) => ({
    message: new StoredMessage(row, blobs),
    items: fetchItems(new Scanner(items)),
  }));
  await sendResponses(asked, {
    view: view as View,
    reply: reply as Replies,
    connection: {} as Connection,
    memory: new SessionMemory(limitBytes),
  });
  return seen;
}

const PARTS = Array.from({ length: 40 }, (_, n) => `BINARY.PEEK[1]<${n}.900000>`).join(" ");

Deno.test("FETCH: one message in many forms is not held in all of them", async () => {
  const { most, all } = await sent(`(${PARTS})`, `${MIME}\r\n${LINE.repeat(10_000)}`);
  assert.ok(all > 20 * MIB);
  assert.ok(most < 4 * MIB, `${most}`);
});

Deno.test("FETCH: nor is a large header, field by field", async () => {
  const header = `X-Large: ${"x".repeat(900)}\r\n`.repeat(250);
  const items = Array.from({ length: 100 }, (_, n) => `BODY.PEEK[HEADER.FIELDS.NOT (X-${n})]`);
  const { most, all } = await sent(`(${items.join(" ")})`, `${header}\r\nx\r\n`);
  assert.ok(all > 20 * MIB);
  assert.ok(most < 4 * MIB, `${most}`);
});

Deno.test("FETCH: holds no more than session_memory_limit leaves", async () => {
  const text = `Subject: x\r\n\r\n${"y".repeat(78)}\r\n`.padEnd(300_000, "z");
  const { readAtFirst, all } = await sent("BODY.PEEK[]", text, { limitBytes: 100_000, count: 5 });
  assert.equal(all, 5 * (text.length + "* 1 FETCH (BODY[] {300000}\r\n)\r\n".length));
  assert.ok(readAtFirst <= 1, `${readAtFirst}`);
});
