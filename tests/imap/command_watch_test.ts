import assert from "node:assert/strict";
import { CommandWatch } from "../../src/imap/command_watch.ts";
import { type CommandReader, Disconnected } from "../../src/imap/reader.ts";
import { Refused } from "../../src/lib/refused.ts";

/** Timers that wait until they are fired, in place of the isolate's own. */
class HeldTimers implements Disposable {
  readonly #setTimeout = globalThis.setTimeout;
  readonly #clearTimeout = globalThis.clearTimeout;
  readonly held = new Map<number, { readonly run: () => void; readonly delayMs: number }>();

  constructor() {
    let last = 0;
    const set = (run: () => void, delayMs = 0) => {
      this.held.set(++last, { run, delayMs });
      return last;
    };
    Object.assign(globalThis, {
      setTimeout: set,
      clearTimeout: (id: number) => void this.held.delete(id),
    });
  }

  fire(): void {
    for (const { run } of this.held.values()) run();
    this.held.clear();
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, { setTimeout: this.#setTimeout, clearTimeout: this.#clearTimeout });
  }
}

/** A client that sends more, or leaves, when the test says so. */
function client() {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const reader = { peek: () => promise } as Pick<CommandReader, "peek"> as CommandReader;
  return {
    reader,
    async does(what: "sends more" | "leaves"): Promise<void> {
      resolve(what === "sends more");
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    },
  };
}

Deno.test("a client that leaves takes its command along at once", async () => {
  const { reader, does } = client();
  const { signal } = new CommandWatch(reader);
  assert.equal(signal.aborted, false);
  await does("leaves");
  assert.ok(signal.reason instanceof Disconnected);
});

Deno.test("a command that waits gives up the one before it, but only after ten seconds", async () => {
  using timers = new HeldTimers();
  const { reader, does } = client();
  const { signal } = new CommandWatch(reader);
  await does("sends more");
  const [{ delayMs } = { delayMs: 0 }] = timers.held.values();
  assert.ok(delayMs > 9_000 && delayMs <= 10_000, `${delayMs}`);
  assert.equal(signal.aborted, false);
  timers.fire();
  assert.ok(signal.reason instanceof Refused);
  assert.equal(signal.reason.refusal.kind, "superseded");
});

Deno.test("a command that has ended is given up by nobody", async () => {
  using timers = new HeldTimers();
  for (const what of ["sends more", "leaves"] as const) {
    const early = client();
    const first = new CommandWatch(early.reader);
    first.end();
    await early.does(what);
    const late = client();
    const second = new CommandWatch(late.reader);
    if (what === "sends more") await late.does(what);
    second.end();
    timers.fire();
    assert.equal(first.signal.aborted, false, what);
    assert.equal(second.signal.aborted, false, what);
    await late.does(what);
  }
});
