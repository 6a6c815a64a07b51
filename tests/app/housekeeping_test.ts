import assert from "node:assert/strict";
import { join } from "node:path";
import { Housekeeping } from "../../src/app/housekeeping.ts";
import { TEMPORARY_FOLDER } from "../../src/blobs/disk_blobs.ts";
import type { Log } from "../../src/observe/log.ts";

Deno.test("Housekeeping sweeps what is old, and goes on where a part of it fails", async () => {
  const root = await Deno.makeTempDir({ prefix: "sora-sweep-" });
  const spool = join(root, "spool");
  const temporary = join(root, "bodies", TEMPORARY_FOLDER);
  const old = new Date(Date.now() - 2 * 86_400_000);
  for (const folder of [spool, temporary]) {
    await Deno.mkdir(folder, { recursive: true });
    for (const name of ["old", "young"]) await Deno.writeTextFile(join(folder, name), "x");
    await Deno.utime(join(folder, "old"), old, old);
  }
  const said: [string, unknown][] = [];
  const say = (event: string, fields?: unknown) => void said.push([event, fields]);
  const log: Log = { debug: say, info: say, warning: say, error: say, with: () => log };
  try {
    using housekeeping = new Housekeeping({
      folders: { bodies: join(root, "bodies"), spool },
      messages: { pruneDeliveries: () => Promise.reject(new Error("no database")) },
      log,
    });
    await housekeeping.sweep();
    assert.deepEqual(said.map(([event, fields]) => [event, (fields as { task: string }).task]), [
      ["sweep-failed", "deliveries"],
      ["swept", "spool"],
      ["swept", "bodies"],
    ]);
    for (const folder of [spool, temporary]) {
      const left = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
      assert.deepEqual(left, ["young"]);
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
