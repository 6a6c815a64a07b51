import assert from "node:assert/strict";
import fc from "fast-check";
import { Spool } from "../../src/blobs/spool.ts";
import { concat, fromBinary, toBinary } from "../../src/lib/bytes.ts";
import { Refused } from "../../src/lib/refused.ts";
import { sha256 } from "./contract.ts";

async function content(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk.slice());
  return concat(all);
}

async function countFiles(folder: string): Promise<number> {
  return (await Array.fromAsync(Deno.readDir(folder))).length;
}

Deno.test("a spool gives what went in, in memory or in a file", async () => {
  const folder = await Deno.makeTempDir();
  const chunk = fc.uint8Array({ maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(chunk, { maxLength: 8 }),
      fc.nat({ max: 200 }),
      fc.array(chunk, { minLength: 2, maxLength: 2 }),
      async (chunks, memoryMax, [prefix = new Uint8Array(0), other = new Uint8Array(0)]) => {
        const spool = new Spool(folder, { prefix, memoryMax });
        const reused = new Uint8Array(60);
        for (const one of chunks) {
          reused.set(one);
          await spool.write(reused.subarray(0, one.length));
          reused.fill(0);
        }
        const body = concat(chunks);
        const first = await spool.finish();
        const second = await first.withPrefix(other);
        for (const [spooled, head] of [[first, prefix], [second, other]] as const) {
          const whole = concat([head, body]);
          assert.equal(toBinary(await content(spooled.chunks())), toBinary(whole));
          if (spooled.bytes) assert.equal(toBinary(spooled.bytes), toBinary(whole));
          assert.equal(spooled.sizeBytes, whole.length);
          assert.equal(spooled.hash, sha256(whole));
          assert.equal(spooled.receivedHash, sha256(body));
        }
        assert.equal(first.path === null, body.length <= memoryMax);
        await second.discard();
        assert.equal(toBinary(await content(first.chunks())), toBinary(concat([prefix, body])));
        await first.discard();
        assert.equal(await countFiles(folder), 0);
      },
    ),
    { numRuns: 100, seed: 2 },
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a spool that is given up leaves no file", async () => {
  const folder = await Deno.makeTempDir();
  const spool = new Spool(folder, { memoryMax: 4 });
  await spool.write(fromBinary("more than that"));
  assert.equal(await countFiles(folder), 1);
  await spool.discard();
  await spool.discard();
  assert.equal(await countFiles(folder), 0);
  await assert.rejects(spool.write(fromBinary("late")));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a spool without a place is temporary trouble", async () => {
  const spool = new Spool("/nonexistent/folder", { memoryMax: 4 });
  await spool.write(fromBinary("1234"));
  await assert.rejects(
    spool.write(fromBinary("5")),
    (error) => error instanceof Refused && error.refusal.kind === "unavailable",
  );
  await spool.discard();
});
