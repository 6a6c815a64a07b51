import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, fromBinary, toBinary } from "../../src/lib/bytes.ts";
import { Connection, ConnectionGone, HIGH_WATER_BYTES } from "../../src/net/connection.ts";
import { memoryPair, type Transport } from "../../src/net/transport.ts";
import { ManualClock, readAll, readOctets, settle, writeAll } from "./streams.ts";

/** Takes at most `most` octets per write and keeps what it got. */
class Sink implements Transport {
  readonly writes: Uint8Array[] = [];
  constructor(readonly most = Infinity) {}
  read(): Promise<number | null> {
    return Promise.resolve(null);
  }
  async write(p: Uint8Array): Promise<number> {
    const taken = p.slice(0, this.most);
    this.writes.push(taken);
    return taken.length;
  }
  async closeWrite(): Promise<void> {}
  close(): void {}
}

Deno.test("what is written in one turn leaves in one write", async () => {
  const sink = new Sink();
  const connection = Connection.over(sink);
  for (let i = 0; i < 100; i++) connection.write(`line ${i}\r\n`);
  connection.write(fromBinary("bytes\r\n"));
  await connection.flush();
  assert.equal(sink.writes.length, 1);
  assert.match(toBinary(sink.writes[0] ?? new Uint8Array(0)), /^line 0\r\n.*bytes\r\n$/s);
  connection.close();
});

Deno.test("a big array is written as it is, in its place", async () => {
  const writes: Uint8Array[] = [];
  const sink = new Sink();
  sink.write = (p) => (writes.push(p), Promise.resolve(p.length));
  const connection = Connection.over(sink);
  const big = new Uint8Array(100_000).fill(66);
  connection.write("before ");
  connection.write(big);
  connection.write(" behind");
  await connection.flush();
  assert.equal(writes[1], big);
  assert.equal(toBinary(concat(writes)), `before ${"B".repeat(100_000)} behind`);
  assert.equal(connection.queuedBytes, 0);
  connection.close();
});

Deno.test("any pieces through any short writes arrive in order", async () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary-ascii", maxLength: 40 }),
    fc.uint8Array({ maxLength: 40 }),
    fc.integer({ min: 16_000, max: 70_000 }).map((n) => new Uint8Array(n).fill(n & 255)),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 20 }),
      fc.integer({ min: 1, max: 9_000 }),
      fc.nat(),
      async (pieces, most, pauses) => {
        const sink = new Sink(most);
        const connection = Connection.over(sink);
        for (const [at, one] of pieces.entries()) {
          connection.write(one);
          if ((pauses >> (at % 20)) & 1) await settle();
        }
        await connection.flush();
        const wanted = concat(pieces.map((p) => typeof p === "string" ? fromBinary(p) : p));
        assert.equal(toBinary(concat(sink.writes)), toBinary(wanted));
        connection.close();
      },
    ),
    { numRuns: 60, seed: 4 },
  );
});

Deno.test("a client that does not read stops the producer, and is cut off in the end", async () => {
  const clock = new ManualClock();
  const [near, far] = memoryPair();
  const connection = Connection.over(near, { ticker: clock.ticker });
  let produced = 0;
  const producer = (async () => {
    for (;;) {
      connection.write(new Uint8Array(10_000));
      produced += 10_000;
      await connection.drained();
    }
  })();
  producer.catch(() => {});
  await settle();
  assert.ok(produced < HIGH_WATER_BYTES + 64 * 1024 + 20_000, `produced ${produced}`);
  clock.pass(110_000);
  assert.equal(connection.isOpen, true);
  await readOctets(far, 1_000); // A client that reads a little is a slow one, not a stuck one.
  await settle();
  clock.pass(110_000);
  assert.equal(connection.isOpen, true);
  clock.pass(20_000);
  await assert.rejects(producer, ConnectionGone);
  assert.equal(connection.closeReason, "stalled");
  assert.equal(await connection.read(), null);
  await assert.rejects(connection.flush(), ConnectionGone);
  connection.write("nobody hears this"); // Does nothing, says nothing.
});

Deno.test("an idle client is told goodbye", async () => {
  const clock = new ManualClock();
  const [near, far] = memoryPair();
  const connection = Connection.over(near, { ticker: clock.ticker });
  const reasons: string[] = [];
  connection.onTimeout = (reason) => {
    reasons.push(reason);
    connection.write("bye\r\n");
  };
  connection.setIdleTimeout(60_000);
  await writeAll(far, fromBinary("hello"));
  assert.equal(toBinary(await connection.read() ?? new Uint8Array(0)), "hello");
  clock.pass(600_000); // WHY: nobody is waiting for the client: the server is at work.
  const reading = connection.read();
  clock.pass(59_000);
  assert.deepEqual(reasons, []);
  clock.pass(2_000);
  assert.deepEqual(reasons, ["idle"]);
  assert.equal(await readAll(far), "bye\r\n");
  far.close();
  assert.equal(await reading, null);
  await settle();
  assert.equal(connection.closeReason, "idle");
});

Deno.test("a client that ignores the goodbye is closed all the same", async () => {
  const clock = new ManualClock();
  const [near] = memoryPair();
  const connection = Connection.over(near, { ticker: clock.ticker, sessionTimeoutMs: 30_000 });
  const reading = connection.read();
  clock.pass(30_000);
  await settle();
  clock.pass(10_000);
  assert.equal(await reading, null);
  assert.equal(connection.closeReason, "session");
  assert.equal(connection.signal.aborted, true);
});

Deno.test("who drips octets is closed, who waits for us is not", async () => {
  for (const { octets, open } of [{ octets: 1, open: false }, { octets: 100, open: true }]) {
    const clock = new ManualClock();
    const [near, far] = memoryPair();
    const connection = Connection.over(near, { ticker: clock.ticker });
    connection.setMinimumRate(50);
    for (let i = 0; i < 2; i++) {
      clock.pass(300_000);
      const reading = connection.read();
      clock.pass(29_000);
      await writeAll(far, new Uint8Array(octets));
      assert.equal((await reading)?.length, octets);
    }
    const last = connection.read();
    clock.pass(3_000);
    await settle();
    assert.equal(connection.isOpen, open);
    connection.close();
    assert.equal(await last, null);
  }
});

Deno.test("octets handed back are read again, before the rest", async () => {
  const [near, far] = memoryPair();
  const connection = Connection.over(near);
  await writeAll(far, fromBinary("STARTTLS\r\nhello"));
  const first = await connection.read() ?? new Uint8Array(0);
  connection.unread(first.slice(12));
  connection.unread(first.slice(10, 12));
  assert.equal(toBinary(await connection.read() ?? new Uint8Array(0)), "hello");
  connection.close();
});

Deno.test("an upgrade gets what was read ahead, and the old transport", async () => {
  const [near, far] = memoryPair();
  const [inner, outer] = memoryPair();
  const connection = Connection.over(near);
  await writeAll(far, fromBinary("STARTTLS\r\nhello"));
  const first = await connection.read() ?? new Uint8Array(0);
  connection.unread(first.subarray(10));
  connection.write("220 go ahead\r\n");
  await connection.upgrade(async (transport, prelude) => {
    assert.equal(transport, near);
    assert.equal(toBinary(prelude), "hello");
    return inner;
  });
  connection.write("through the new one");
  await writeAll(outer, fromBinary("so are we"));
  assert.equal(toBinary(await connection.read() ?? new Uint8Array(0)), "so are we");
  assert.equal(await readOctets(outer, 19), "through the new one");
  assert.equal(await readOctets(far, 14), "220 go ahead\r\n");
  connection.close();
  far.close();
});

Deno.test("an upgrade that fails closes the connection", async () => {
  const [near] = memoryPair();
  const connection = Connection.over(near);
  await assert.rejects(connection.upgrade(() => Promise.reject(new Error("no TLS"))), /no TLS/);
  assert.equal(connection.isOpen, false);
});

Deno.test("reads grow under load and a second one at once is refused", async () => {
  const [near, far] = memoryPair(1024 * 1024);
  const connection = Connection.over(near);
  await writeAll(far, new Uint8Array(500_000));
  const sizes: number[] = [];
  for (let total = 0; total < 500_000;) {
    const chunk = await connection.read();
    assert.ok(chunk);
    sizes.push(chunk.length);
    total += chunk.length;
  }
  assert.equal(sizes[0], 1_024);
  assert.equal(sizes[1], 65_536);
  const reading = connection.read();
  await assert.rejects(connection.read(), /twice/);
  connection.close();
  assert.equal(await reading, null);
});

Deno.test("end() sends what is queued, then EOF, and does not wait for a silent client", async () => {
  const clock = new ManualClock();
  const [near, far] = memoryPair();
  const connection = Connection.over(near, { ticker: clock.ticker });
  connection.write("last words");
  const ending = connection.end();
  assert.equal(await readAll(far), "last words");
  clock.pass(3_000);
  await ending;
  await assert.rejects(far.write(new Uint8Array(1)), Deno.errors.BrokenPipe);
});

Deno.test("a client that is gone ends everything", async () => {
  const broken: Transport = {
    read: () => Promise.reject(new Deno.errors.ConnectionReset("reset")),
    write: () => Promise.reject(new Deno.errors.BrokenPipe("pipe")),
    closeWrite: () => Promise.reject(new Deno.errors.NotConnected("gone")),
    close: () => {
      throw new Deno.errors.BadResource("twice");
    },
  };
  const reader = Connection.over(broken);
  assert.equal(await reader.read(), null);
  assert.equal(reader.closeReason, "ConnectionReset");
  const writer = Connection.over(broken);
  writer.write("hello");
  await assert.rejects(writer.flush(), ConnectionGone);
  assert.equal(writer.isOpen, false);
  await writer.end();
});

Deno.test("connection ids differ", () => {
  const ids = new Set<string>();
  for (let i = 0; i < 1_000; i++) {
    const connection = Connection.over(new Sink());
    ids.add(connection.id);
    connection.close();
  }
  assert.equal(ids.size, 1_000);
});

Deno.test("output that is held leaves when the client is waited for, or when asked", async () => {
  const [near, far] = memoryPair();
  const connection = Connection.over(near);
  const early: string[] = [];
  const listening = readOctets(far, 6).then((text) => early.push(text));
  connection.hold();
  connection.write("one");
  await settle();
  connection.write("two");
  await settle();
  assert.deepEqual(early, []);
  assert.equal(connection.queuedBytes, 6);
  const reading = connection.read();
  await listening;
  assert.deepEqual(early, ["onetwo"]);
  connection.hold();
  connection.write("three");
  connection.release();
  assert.equal(await readOctets(far, 5), "three");
  connection.hold();
  connection.write("four");
  await connection.flush();
  assert.equal(await readOctets(far, 4), "four");
  connection.hold();
  connection.write(new Uint8Array(70_000)); // More than a batch is never held.
  assert.equal((await readOctets(far, 70_000)).length, 70_000);
  connection.close();
  await reading;
});

Deno.test("who takes the last output octet by octet is cut off with the session", async () => {
  const [near, far] = memoryPair(16);
  const clock = new ManualClock();
  const connection = Connection.over(near, { ticker: clock.ticker, sessionTimeoutMs: 600_000 });
  connection.write("x".repeat(10_000));
  const ended = connection.end();
  for (let minute = 0; minute < 11; minute++) {
    await readOctets(far, 1);
    await settle();
    clock.pass(60_000);
  }
  await ended;
  assert.equal(connection.isOpen, false);
  assert.equal(connection.queuedBytes, 0);
  far.close();
});
