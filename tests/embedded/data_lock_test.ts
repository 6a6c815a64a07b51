import assert from "node:assert/strict";
import { DataDirInUse, lockDataDir } from "../../src/store/data_lock.ts";
import { newDataDir, startChild } from "./support.ts";

Deno.test("lockDataDir() makes the folder and refuses a second holder by its number", async () => {
  await using dir = await newDataDir();
  const path = `${dir.path}/new/data`;
  using _lock = await lockDataDir(path);
  await assert.rejects(lockDataDir(path), (error) => {
    assert.ok(error instanceof DataDirInUse);
    assert.equal(error.holder, Deno.pid);
    assert.match(error.message, new RegExp(`process ${Deno.pid}$`));
    return true;
  });
});

Deno.test("lockDataDir() lets the next one in when the lock was given back", async () => {
  await using dir = await newDataDir();
  for (let turn = 0; turn < 3; turn++) {
    using _lock = await lockDataDir(dir.path);
  }
});

Deno.test("lockDataDir() names another process, and outlives its kill -9", async () => {
  await using dir = await newDataDir();
  await using child = await startChild([dir.path, "-"]);
  await assert.rejects(lockDataDir(dir.path), { name: "DataDirInUse", holder: child.pid });
  await child.kill();
  using _lock = await lockDataDir(dir.path);
});

Deno.test("lockDataDir() does not believe what is in a file that no one holds", async () => {
  await using dir = await newDataDir();
  await Deno.writeTextFile(`${dir.path}/sora.lock`, "1\nand much more than that\n");
  using _lock = await lockDataDir(dir.path);
  assert.equal(await Deno.readTextFile(`${dir.path}/sora.lock`), `${Deno.pid}\n`);
});
