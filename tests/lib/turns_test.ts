import assert from "node:assert/strict";
import { Turns } from "../../src/lib/turns.ts";

const turns = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

/** Work that runs until it is told to end. */
function jobs(limited: Turns) {
  const running: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string, signal?: AbortSignal) =>
    limited.run(async () => {
      running.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      running.splice(running.indexOf(name), 1);
      return name;
    }, signal);
  const end = async (name: string) => {
    ends.get(name)?.();
    await turns();
  };
  return { running, start, end };
}

Deno.test("Turns let so many work at a time, in the order in which they come", async () => {
  const { running, start, end } = jobs(new Turns(2));
  const all = ["a", "b", "c", "d"].map((name) => start(name));
  await turns();
  assert.deepEqual(running, ["a", "b"]);
  await end("b");
  assert.deepEqual(running, ["a", "c"]);
  await end("a");
  await end("c");
  await end("d");
  assert.deepEqual(await Promise.all(all), ["a", "b", "c", "d"]);
  const more = [start("e"), start("f")];
  await turns();
  assert.deepEqual(running, ["e", "f"]);
  await end("e");
  await end("f");
  await Promise.all(more);
});

Deno.test("whoever gives up waiting takes nobody's turn", async () => {
  const { running, start, end } = jobs(new Turns(1));
  const gone = new AbortController();
  const first = start("first");
  const leaver = start("leaver", gone.signal);
  const last = start("last");
  gone.abort(new Error("left"));
  await assert.rejects(leaver, /left/);
  await end("first");
  assert.deepEqual(running, ["last"]);
  await end("last");
  await Promise.all([first, last]);
  await assert.rejects(start("late", gone.signal), /left/);
  const again = start("again");
  await turns();
  assert.deepEqual(running, ["again"]);
  await end("again");
  await again;
});

Deno.test("work that fails ends its turn", async () => {
  const limited = new Turns(1);
  await assert.rejects(limited.run(() => Promise.reject(new Error("no"))), /no/);
  assert.equal(await limited.run(() => Promise.resolve(7)), 7);
});
