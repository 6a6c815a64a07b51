import assert from "node:assert/strict";
import { constants, deflateRawSync } from "node:zlib";
import { concat } from "../../src/lib/bytes.ts";
import { Connection } from "../../src/net/connection.ts";
import { DeflateTransport } from "../../src/net/deflate_transport.ts";
import { memoryPair } from "../../src/net/transport.ts";
import { dice } from "../support/dice.ts";

/**
 * Compressed input of every kind: whole streams, changed ones, none at all. A whole one is read octet
 * for octet; every other one ends the connection, at once or after octets that it does stand for, and
 * nothing is thrown. One read never takes long, whatever comes.
 */
export const target = { name: "compress", run };

/** Longest time that one piece of output may hold the event loop. */
const STALL_MS = 50;
const PIECES_MAX = 6;

async function run(seed: number, untilMs: number): Promise<number> {
  let tried = 0;
  do {
    const random = dice(seed + tried);
    try {
      await play(random);
    } catch (error) {
      throw new Error(`seed ${seed + tried}`, { cause: error });
    }
    tried++;
  } while (Date.now() < untilMs);
  return tried;
}

async function play(random: (below: number) => number): Promise<void> {
  const pieces = Array.from({ length: random(PIECES_MAX) + 1 }, () => plain(random));
  const sent = concat(
    pieces.map((piece) =>
      deflateRawSync(piece, { level: random(10), finishFlush: constants.Z_SYNC_FLUSH })
    ),
  ).slice();
  const changes = random(3) === 0 ? 0 : random(4);
  for (let i = 0; i < changes; i++) sent[random(sent.length)] = random(256);
  const cut = changes > 0 && random(3) === 0 ? random(sent.length) : sent.length;
  const got = await receive(sent.subarray(0, cut), random);
  if (changes === 0) assert.deepEqual(got, concat(pieces));
}

function plain(random: (below: number) => number): Uint8Array {
  const octets = new Uint8Array(random(2) === 0 ? random(100) + 1 : random(100_000) + 1);
  const values = random(256) + 1;
  if (random(3) > 0) { for (let i = 0; i < octets.length; i++) octets[i] = random(values); }
  return octets;
}

async function receive(sent: Uint8Array, random: (below: number) => number): Promise<Uint8Array> {
  const [near, far] = memoryPair();
  const connection = Connection.over(far);
  const ahead = random(10);
  connection.unread(sent.slice(0, ahead));
  connection.layer((inner, prelude) => new DeflateTransport(inner, prelude));
  const sending = (async () => {
    for (let at = ahead; at < sent.length;) {
      at += await near.write(sent.subarray(at, at + random(20_000) + 1));
    }
    await near.closeWrite();
  })().catch(() => {});
  const chunks: Uint8Array[] = [new Uint8Array(0)];
  let busySince = performance.now();
  const beat = setInterval(() => busySince = performance.now(), 0);
  for (let chunk = await connection.read(); chunk; chunk = await connection.read()) {
    chunks.push(chunk.slice());
    assert.ok(performance.now() - busySince < 20 * STALL_MS, "holds the event loop");
  }
  clearInterval(beat);
  connection.close();
  near.close();
  await sending;
  return concat(chunks);
}
