import assert from "node:assert/strict";
import { objectKey } from "../../src/blobs/blobs.ts";
import { CacheWarmer } from "../../src/jobs/cache_warmer.ts";
import { logger } from "../../src/observe/log.ts";
import { spooled } from "../blobs/contract.ts";
import { stagedBench } from "../blobs/staged.ts";
import { openFixture, someFacts, someMessage } from "../store/fixture.ts";

Deno.test("CacheWarmer fetches the newest messages of a user once, and never fails", async () => {
  await using it = await openFixture();
  await using bench = await stagedBench();
  const { remote, cache, blobs } = bench;
  const keys = [];
  for (let n = 0; n < 8; n++) {
    const message = await spooled(`body ${n}`);
    const key = objectKey("owner@example.com", message.hash);
    await remote.put(key, message);
    const facts = someFacts({ sizeBytes: n === 6 ? cache.maxObjectBytes + 1 : message.sizeBytes });
    await it.messages.append(someMessage(it.inbox, { hash: message.hash, objectKey: key, facts }));
    keys.push(key);
  }
  const config = {
    warmupMessageCount: 5,
    warmupMailboxes: ["INBOX", "no such mailbox"],
    warmupIntervalMs: 3_600_000,
  };
  const { mailboxes, messages } = it;
  const options = { mailboxes, messages, blobs, cache, log: logger("test") };
  await using warmer = new CacheWarmer({ config, ...options });
  for (let i = 0; i < 3; i++) warmer.warm(it.account);
  await warmer.settled();
  const warm = await Promise.all(keys.map((key) => cache.has(key)));
  assert.deepEqual(warm, [false, false, false, true, true, true, false, true]);
  assert.equal(remote.reads, 4);
  // Again, as if the interval were over: everything is here already.
  await using again = new CacheWarmer({ config, ...options });
  again.warm(it.account);
  await again.settled();
  assert.equal(remote.reads, 4);
  remote.isDown = true;
  await using third = new CacheWarmer({
    config: { ...config, warmupMessageCount: 50 },
    ...options,
  });
  third.warm(it.account);
  await third.settled();
  assert.equal(remote.reads, 4);
  // What came to nothing is no warm-up.
  remote.isDown = false;
  third.warm(it.account);
  await third.settled();
  assert.equal(remote.reads, 7);
});
