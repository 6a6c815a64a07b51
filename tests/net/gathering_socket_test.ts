import assert from "node:assert/strict";
import { once } from "node:events";
import { Socket } from "node:net";
import { GatheringSocket } from "../../src/net/gathering_socket.ts";

/** So many that somebody who reads in the meantime sees the first of them alone. */
const CHUNKS = 3_000;
/** WHY: on a busy machine the reader may come late. */
const ATTEMPTS = 20;

/** Accepts one connection, and tells how many octets came with the first read. */
const READER = `data:application/javascript,${
  encodeURIComponent(`
    onmessage = async ({ data: path }) => {
      const listener = Deno.listen({ transport: "unix", path });
      postMessage("ready");
      const conn = await listener.accept();
      const chunk = new Uint8Array(65536);
      const first = await conn.read(chunk);
      while (await conn.read(chunk) !== null);
      conn.close();
      listener.close();
      postMessage(first);
    };`)
}`;

/** How many of the chunks, of an octet each, come with the first read. */
async function firstRead(socket: Socket): Promise<number> {
  const path = await Deno.makeTempFile({ prefix: "sora-test-", suffix: ".sock" });
  await Deno.remove(path);
  const reader = new Worker(READER, { type: "module", deno: { permissions: "inherit" } });
  const told = () =>
    new Promise<unknown>((resolve) => reader.onmessage = ({ data }) => resolve(data));
  const ready = told();
  reader.postMessage(path);
  await ready;
  const first = told();
  const closed = once(socket, "close");
  socket.connect(path);
  await once(socket, "connect");
  socket.cork();
  for (let n = 0; n < CHUNKS; n++) socket.write("x");
  socket.uncork();
  socket.end();
  await closed;
  const octets = await first;
  reader.terminate();
  await Deno.remove(path).catch(() => {});
  assert.equal(typeof octets, "number");
  return Number(octets);
}

Deno.test("GatheringSocket sends in one piece what was written together", async () => {
  for (let n = 0; n < 3; n++) assert.equal(await firstRead(new GatheringSocket()), CHUNKS);
});

Deno.test("Deno's own socket does not: when this fails, ADR 10 has done its work", async () => {
  for (let n = 0; n < ATTEMPTS; n++) if (await firstRead(new Socket()) < CHUNKS) return;
  assert.fail("chunks for a local socket leave together now: GatheringSocket can go");
});
