import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { NumberSet } from "../../src/lib/number_set.ts";
import { makeWorld } from "../support/imap.ts";

const OCTETS = Buffer.alloc(3_000_000, "0123456789abcdef\0");

function withAttachment(): string {
  const encoded = OCTETS.toString("base64").replace(/.{76}/g, "$&\r\n");
  return "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
    "--b\r\nContent-Type: text/plain\r\n\r\nsee below\r\n" +
    "--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
    `${encoded}\r\n--b--\r\n`;
}

Deno.test("BINARY of a large part is decoded piece by piece, and is what it was", async () => {
  await using world = await makeWorld("empty");
  await world.deliver(withAttachment());
  const client = await world.login();
  await client.ok("EXAMINE INBOX");
  const [size] = await client.ok("FETCH 1 BINARY.SIZE[2]");
  assert.equal(size, `* 1 FETCH (BINARY.SIZE[2] ${OCTETS.length})`);
  const [whole = ""] = await client.ok("FETCH 1 BINARY[2]");
  assert.equal(whole, `* 1 FETCH (BINARY[2] ~{${OCTETS.length}}\r\n${OCTETS.toString("latin1")})`);
  for (const [origin, length] of [[0, 10], [299_999, 700_001], [2_999_990, 100]] as const) {
    const [part = ""] = await client.ok(`FETCH 1 BINARY.PEEK[2]<${origin}.${length}>`);
    const octets = OCTETS.subarray(origin, origin + length);
    const head = `* 1 FETCH (BINARY[2]<${origin}> ~{${octets.length}}\r\n`;
    assert.equal(part, `${head}${octets.toString("latin1")})`);
  }
  const [beyond] = await client.ok(`FETCH 1 BINARY.PEEK[2]<${OCTETS.length}.5>`);
  assert.equal(beyond, `* 1 FETCH (BINARY[2]<${OCTETS.length}> "")`);
});

Deno.test("BINARY of a body that is gone is NO, never an empty literal", async () => {
  await using world = await makeWorld("empty");
  await world.deliver(withAttachment());
  const { mailboxes, messages, blobs } = world.services;
  const { id } = await mailboxes.find(world.account.id, "INBOX");
  const client = await world.login();
  await client.ok("EXAMINE INBOX");
  const { uids } = await messages.search(id, { everything: true });

  const [row] = await messages.rows(id, NumberSet.from(uids), {});
  await blobs.delete(row?.objectKey as Parameters<typeof blobs.delete>[0]);
  for (const item of ["BINARY[2]", "BINARY.SIZE[2]", "BINARY[1]", "PREVIEW"]) {
    const replies = await client.command(`FETCH 1 ${item}`);
    assert.deepEqual(replies, ["NO [UNAVAILABLE] Temporarily unavailable, try again later"], item);
  }
});
