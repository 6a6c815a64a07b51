import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createDecipheriv, hkdfSync } from "node:crypto";
import {
  BodyCipher,
  CHUNK_BYTES,
  chunksOf,
  CipherError,
  HEADER_BYTES,
  keyIdOf,
  plainSize,
  sealedPlace,
  sealedSize,
} from "../../src/blobs/body_cipher.ts";
import { openChunks } from "../../src/blobs/open_chunks.ts";
import { sealBody } from "../../src/blobs/seal_body.ts";
import { concat } from "../../src/lib/bytes.ts";
import { bodyKeys, bytesOf, KEY_A, KEY_B } from "./encryption.ts";

const keys = bodyKeys({ a: KEY_A, b: KEY_B }, "a");
const OBJECT = "example.com/user/0123";

async function* inPieces(body: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(length); // valid until the next: the same memory again
  for (let at = 0; at < body.length; at += length) {
    const part = body.subarray(at, at + length);
    piece.set(part);
    yield piece.subarray(0, part.length);
  }
}

async function sealed(body: Uint8Array, pieces = 10_000): Promise<Uint8Array> {
  const [key] = keys.all;
  assert.ok(key);
  const cipher = await BodyCipher.create(key, OBJECT);
  const all: Uint8Array[] = [];
  for await (const piece of sealBody(cipher, inPieces(body, pieces), body.length)) all.push(piece);
  return concat(all);
}

async function opened(object: Uint8Array, name = OBJECT, list = keys): Promise<Uint8Array> {
  const cipher = await BodyCipher.open(object, list, name);
  const chunks = chunksOf(plainSize(object.length));
  return await openChunks(cipher, object.subarray(HEADER_BYTES), { first: 0, chunks });
}

const SIZES = [0, 1, 15, 16, 17, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 4 * CHUNK_BYTES]
  .concat([4 * CHUNK_BYTES + 1, 9 * CHUNK_BYTES + 12_345]);

Deno.test("what is sealed opens to the same body, of every size, however it is cut", async () => {
  for (const size of SIZES) {
    const body = bytesOf(size, size);
    for (const pieces of [999, CHUNK_BYTES, 300_000]) {
      const object = await sealed(body, pieces);
      assert.equal(object.length, sealedSize(size));
      assert.equal(plainSize(object.length), size);
      assert.deepEqual(await opened(object), body);
    }
  }
});

Deno.test("no size but that of an object has a body", () => {
  const possible = new Set(SIZES.map(sealedSize));
  for (const size of SIZES.map(sealedSize)) {
    for (let stored = size - 20; stored < size + 20; stored++) {
      let plain: number;
      try {
        plain = plainSize(stored);
      } catch (error) {
        assert.ok(error instanceof CipherError && !possible.has(stored));
        continue;
      }
      assert.equal(sealedSize(plain), stored);
    }
  }
  for (const stored of [0, 1, 28, 63, 64, 79]) assert.throws(() => plainSize(stored), CipherError);
});

Deno.test("the format is the documented one: read without our code", async () => {
  const body = bytesOf(CHUNK_BYTES + 100, 7);
  const object = Buffer.from(await sealed(body));
  assert.equal(object.subarray(0, 8).toString("latin1"), "\x8aSoraBE\x01");
  assert.equal(object.subarray(8, 32).toString("latin1"), "a".padEnd(24, "\0"));
  const secret = Buffer.from(KEY_A, "hex");
  const info = "sora message body 1\0a";
  const derived = Buffer.from(hkdfSync("sha256", secret, object.subarray(32, 64), info, 40));
  const read = (number: number, end: number) => {
    const count = Buffer.from([0, 0, 0, number]);
    const nonce = Buffer.concat([derived.subarray(32), count]);
    const decipher = createDecipheriv("aes-256-gcm", derived.subarray(0, 32), nonce);
    decipher.setAAD(Buffer.concat([Buffer.from(OBJECT), count, Buffer.from([number])]));
    const chunk = object.subarray(sealedPlace(number).start, end);
    decipher.setAuthTag(chunk.subarray(-16));
    return Buffer.concat([decipher.update(chunk.subarray(0, -16)), decipher.final()]);
  };
  const all = Buffer.concat([read(0, sealedPlace(1).start), read(1, object.length)]);
  assert.deepEqual(new Uint8Array(all), body);
});

Deno.test("two objects of one body have nothing in common", async () => {
  const body = bytesOf(1_000, 1);
  const [one, other] = [await sealed(body), await sealed(body)];
  assert.notDeepEqual(one.subarray(32, 64), other.subarray(32, 64));
  assert.notDeepEqual(one.subarray(64), other.subarray(64));
});

Deno.test("any changed octet is noticed", async () => {
  const object = await sealed(bytesOf(CHUNK_BYTES + 50, 3));
  const places = [...Array(HEADER_BYTES + 4).keys(), 1_000, sealedPlace(1).start - 1]
    .concat([sealedPlace(1).start, object.length - 16, object.length - 1]);
  for (const at of places) {
    const changed = object.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    await assert.rejects(
      async () => {
        if (keyIdOf(changed) === null) throw new CipherError("no header");
        await opened(changed);
      },
      CipherError,
      `octet ${at}`,
    );
  }
});

Deno.test("truncated, reordered, repeated and swapped chunks are noticed", async () => {
  const object = await sealed(bytesOf(3 * CHUNK_BYTES, 4));
  const other = await sealed(bytesOf(3 * CHUNK_BYTES, 5));
  const at = (n: number) => sealedPlace(n).start;
  const header = object.subarray(0, HEADER_BYTES);
  const chunk = (n: number, of = object) => of.subarray(at(n), at(n + 1));
  const bad: [string, Uint8Array][] = [
    ["cut at the end of a chunk", object.subarray(0, at(2))],
    ["cut inside a chunk", object.subarray(0, at(2) + 100)],
    ["cut in a tag", object.subarray(0, at(2) + 8)],
    ["only the header", header],
    ["reordered", concat([header, chunk(1), chunk(0), chunk(2)])],
    ["last one left out", concat([header, chunk(0), chunk(1)])],
    ["middle left out", concat([header, chunk(0), chunk(2)])],
    ["repeated", concat([header, chunk(0), chunk(0), chunk(2)])],
    ["appended", concat([object, chunk(2)])],
    ["a chunk of another object", concat([header, chunk(0), chunk(1, other), chunk(2)])],
    ["the header of another object", concat([other.subarray(0, 64), object.subarray(64)])],
  ];
  for (const [name, bytes] of bad) await assert.rejects(opened(bytes), CipherError, name);
  assert.deepEqual(await opened(object), bytesOf(3 * CHUNK_BYTES, 4));
});

Deno.test("another object's key, another key and a missing key are told", async () => {
  const object = await sealed(bytesOf(500, 6));
  await assert.rejects(opened(object, "example.com/other/0123"), CipherError);
  await assert.rejects(opened(object, OBJECT, bodyKeys({ a: KEY_B }, "a")), CipherError);
  await assert.rejects(
    opened(object, OBJECT, bodyKeys({ b: KEY_A }, "b")),
    (error) => error instanceof CipherError && error.message.includes('"a"'),
  );
});

Deno.test("a body of another size than announced is never complete", async () => {
  const [key] = keys.all;
  assert.ok(key);
  const body = bytesOf(5 * CHUNK_BYTES, 8);
  for (const size of [0, 1, 4 * CHUNK_BYTES, body.length - 1, body.length + 1, 9 * CHUNK_BYTES]) {
    const cipher = await BodyCipher.create(key, OBJECT);
    let given = 0;
    await assert.rejects(async () => {
      for await (const piece of sealBody(cipher, inPieces(body, 70_000), size)) {
        given += piece.length;
      }
    }, CipherError);
    assert.ok(given < sealedSize(size), `${given} of ${sealedSize(size)}`);
  }
});
