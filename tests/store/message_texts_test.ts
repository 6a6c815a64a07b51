import assert from "node:assert/strict";
import type { ObjectKey } from "../../src/blobs/blobs.ts";
import { TextIndexer } from "../../src/jobs/text_indexer.ts";
import type { Uid } from "../../src/lib/ids.ts";
import { NumberSet } from "../../src/lib/number_set.ts";
import { foldCase } from "../../src/message/fold_case.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { MessageTextStore } from "../../src/store/message_texts.ts";
import { makeWorld, type World } from "../support/imap.ts";

const HEAD = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";

function indexerOf({ services: { messages, blobs } }: World) {
  const texts = new MessageTextStore(messages.db);
  const { notices } = messages;
  const options = { texts, blobs, notices, log: logger("test"), metrics: new Metrics() };
  return { texts, indexer: new TextIndexer(options) };
}

async function search(world: World, key: string): Promise<string> {
  const client = await world.login();
  await client.ok("EXAMINE INBOX");
  const [line = ""] = await client.ok(`SEARCH ${key}`);
  return line;
}

Deno.test("BODY and TEXT find the same before, while and after the index knows the messages", async () => {
  await using world = await makeWorld("two-messages");
  await world.deliver(
    `Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n${HEAD}\r\nStraßenbahn 100% a_b c\\d\r\n`,
  );
  const { texts, indexer } = indexerOf(world);
  await using _ = indexer;
  const questions = [
    ["BODY hello", "* SEARCH 1 2"],
    ['BODY "HELLO, bob"', "* SEARCH 1"],
    ["BODY second", "* SEARCH"],
    ["TEXT second", "* SEARCH 2"],
    ["TEXT {6+}\r\nGr\xc3\xbc\xc3\x9f", "* SEARCH 3"],
    ['BODY "100%"', "* SEARCH 3"],
    ["BODY a_b", "* SEARCH 3"],
    ["BODY axb", "* SEARCH"],
    ['BODY "c\\\\d"', "* SEARCH 3"],
    ["BODY e", "* SEARCH 1 2 3"],
    ["NOT BODY hello", "* SEARCH 3"],
    ["OR BODY ada BODY bob", "* SEARCH 1 2"],
    ["UNSEEN TEXT example.org", "* SEARCH 2"],
  ] as const;
  for (const [key, expected] of questions) assert.equal(await search(world, key), expected, key);
  await indexer.settle();
  assert.deepEqual(await texts.lag(), { messages: 0, mailboxes: 0 });
  for (const [key, expected] of questions) assert.equal(await search(world, key), expected, key);
  await world.deliver("Subject: late\r\n\r\nhello again\r\n");
  assert.equal(await search(world, "BODY hello"), "* SEARCH 1 2 4");
  const found = await texts.find(
    (await world.services.mailboxes.find(world.account.id, "INBOX")).id,
    { where: "body", needle: foldCase("hello") },
  );
  assert.equal(`${found.matching}|${found.undecided}`, "1:2|4");
});

Deno.test("a text that is longer than the index keeps is found all the same", async () => {
  await using world = await makeWorld("empty");
  const filler = "The quick brown fox jumps over the lazy dog.\r\n".repeat(30_000);
  await world.deliver(`Subject: long\r\n\r\nbegin\r\n${filler}needle at the end\r\n`);
  const { indexer } = indexerOf(world);
  await using _ = indexer;
  await indexer.settle();
  assert.equal(await search(world, "BODY begin"), "* SEARCH 1");
  assert.equal(await search(world, 'BODY "needle at"'), "* SEARCH 1");
  assert.equal(await search(world, "BODY nowhere"), "* SEARCH");
});

Deno.test("a moved message needs no new text, and an expunged one is not found", async () => {
  await using world = await makeWorld("two-messages");
  const { texts, indexer } = indexerOf(world);
  await using _ = indexer;
  await indexer.settle();
  const client = await world.login();
  await client.ok("SELECT INBOX");
  await client.ok("MOVE 1 Archive");
  await indexer.settle();
  await client.ok("SELECT Archive");
  assert.equal((await client.ok("SEARCH BODY hello"))[0], "* SEARCH 1");
  await client.ok("STORE 1 +FLAGS (\\Deleted)");
  await client.ok("EXPUNGE");
  assert.equal((await client.ok("SEARCH BODY hello"))[0], "* SEARCH");
  assert.deepEqual(await texts.lag(), { messages: 0, mailboxes: 0 });
});

Deno.test("two indexers at once, and one that is made to begin anew", async () => {
  await using world = await makeWorld("two-messages", { workers: 2 });
  for (let n = 0; n < 30; n++) {
    await world.deliver(`Subject: ${n}\r\n\r\nnumber ${n} of thirty\r\n`);
  }
  const first = indexerOf(world);
  const second = indexerOf({ ...world, services: world.workers[1] ?? world.services });
  await using _ = first.indexer;
  await using __ = second.indexer;
  await Promise.all([first.indexer.settle(), second.indexer.settle()]);
  await first.indexer.settle();
  assert.deepEqual(await first.texts.lag(), { messages: 0, mailboxes: 0 });
  assert.equal(await search(world, 'BODY "number 7 of"'), "* SEARCH 10");
  await first.texts.forget(world.account.id);
  assert.equal((await first.texts.lag()).messages, 32);
  assert.equal(await search(world, 'BODY "number 7 of"'), "* SEARCH 10");
  await first.indexer.settle();
  assert.equal(await search(world, 'BODY "number 7 of"'), "* SEARCH 10");
});

Deno.test("markup that is longer than what is indexed hides no text", async () => {
  await using world = await makeWorld("empty");
  const html = "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n";
  const markup = `<span class="${"x".repeat(70)}">\r\n`.repeat(6_000);
  await world.deliver(`Subject: html\r\n${html}\r\nbegin ${markup} needle\r\n`);
  const { indexer } = indexerOf(world);
  await using _ = indexer;
  await indexer.settle();
  assert.equal(await search(world, "BODY begin"), "* SEARCH 1");
  assert.equal(await search(world, "BODY needle"), "* SEARCH 1");
});

Deno.test("a mailbox whose last message is gone is finished once it was looked at", async () => {
  await using world = await makeWorld("two-messages");
  const { texts, indexer } = indexerOf(world);
  await using _ = indexer;
  const client = await world.login();
  await client.ok("SELECT INBOX");
  await client.ok("MOVE 2 Archive");
  await indexer.settle();
  assert.deepEqual(await texts.lag(), { messages: 0, mailboxes: 0 });
  assert.deepEqual(await texts.unfinished(0), []);
  await world.deliver("Subject: late\r\n\r\nhello again\r\n");
  assert.equal((await texts.lag()).mailboxes, 1);
  await indexer.settle();
  assert.equal(await search(world, "BODY again"), "* SEARCH 2");
});

Deno.test("texts that are forgotten while a mailbox is taken up are no known ones", async () => {
  await using world = await makeWorld("two-messages");
  const { texts, indexer } = indexerOf(world);
  await using _ = indexer;
  await indexer.settle();
  const client = await world.login();
  await client.ok("CREATE New");
  await client.ok("SELECT INBOX");
  await client.ok("COPY 1 New");
  await world.deliver("Subject: fresh\r\n\r\nx\r\n", { mailbox: "New" });
  const { id } = await world.services.mailboxes.find(world.account.id, "New");
  let forgotten: Promise<unknown> = Promise.resolve();
  await texts.advance(id, async () => {
    forgotten = texts.forget(world.account.id);
    await Promise.race([forgotten, new Promise((done) => setTimeout(done, 300))]);
    return { body: "X", rest: "", preview: "x", truncated: false };
  });
  await forgotten;
  await client.ok("SELECT New");
  assert.deepEqual(await client.ok("SEARCH BODY hello"), ["* SEARCH 1"]);
});

Deno.test("a message whose body is lost keeps no other one from being indexed", async () => {
  await using world = await makeWorld("two-messages");
  const { texts, indexer } = indexerOf(world);
  await using _ = indexer;
  const { mailboxes, messages, blobs } = world.services;
  const { id } = await mailboxes.find(world.account.id, "INBOX");
  const [first] = await messages.rows(id, NumberSet.from([1 as Uid]), {});
  await blobs.delete(first?.objectKey as ObjectKey);
  await indexer.settle();
  const found = await texts.find(id, { where: "body", needle: foldCase("hello") });
  assert.equal(`${found.matching}|${found.undecided}`, "2|1");
});

Deno.test("PREVIEW: RFC 8970 §4, without a body once it is known, which is all that LAZY wants", async () => {
  await using world = await makeWorld("two-messages");
  const { indexer } = indexerOf(world);
  await using _ = indexer;
  const client = await world.login();
  await client.ok("SELECT INBOX");
  assert.deepEqual(await client.ok("UID FETCH 1 PREVIEW (LAZY)"), [
    "* 1 FETCH (UID 1 PREVIEW NIL)",
  ]);
  assert.deepEqual(await client.ok("FETCH 1 PREVIEW"), ['* 1 FETCH (PREVIEW "Hello, Bob!")']);
  await indexer.settle();
  const { blobs } = world.services;
  blobs.get = blobs.range = () => Promise.reject(new Error("no body is needed"));
  const known = ['* 1 FETCH (PREVIEW "Hello, Bob!")', '* 2 FETCH (PREVIEW "Hello, Ada!")'];
  assert.deepEqual(await client.ok("FETCH 1:2 (PREVIEW (LAZY))"), known);
  assert.deepEqual(await client.ok("FETCH 1:2 (PREVIEW)"), known);
});
