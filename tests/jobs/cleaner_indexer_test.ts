import assert from "node:assert/strict";
import type { SearchText } from "../../src/message/search_text.ts";
import { sql } from "../../src/store/database.ts";
import { MessageTextStore } from "../../src/store/message_texts.ts";
import { until } from "../support/until.ts";
import { leftovers, openCleanerFixture } from "./cleaner_fixture.ts";

const TEXT: SearchText = { body: "BODY", rest: "REST", preview: null, truncated: false };
const DAYS = 15;

Deno.test("an indexer that comes late, or is at it, leaves nothing of a mailbox that is purged", async () => {
  await using it = await openCleanerFixture();
  const texts = new MessageTextStore(it.db);
  const before = await leftovers(it);
  const deliverTo = async (name: string) => {
    const mailbox = await it.mailboxes.create(it.account, name);
    await it.deliver(mailbox, `a body for ${name}`);
    return mailbox;
  };
  const late = await deliverTo("Late");
  const during = await deliverTo("During");
  await it.mailboxes.delete(it.account, "Late");
  await it.age(DAYS);
  await it.clean();
  assert.equal(await texts.advance(late.id, () => Promise.resolve(TEXT)), 0);
  assert.equal(await it.count("search_progress"), 0);
  let cleaning: ReturnType<typeof it.clean> | undefined;
  await texts.advance(during.id, async () => {
    await it.mailboxes.delete(it.account, "During");
    await it.age(DAYS);
    cleaning = it.clean();
    await until("the cleaner waits", async () => {
      const waiting = await it.db.query(sql`
        SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`);
      return waiting.length > 0;
    });
    return TEXT;
  });
  assert.equal((await cleaning)?.kind, "done");
  await it.clean();
  const { uid_validities: _names, ...left } = await leftovers(it);
  const { uid_validities: _known, ...expected } = before;
  assert.deepEqual(left, expected);
});
