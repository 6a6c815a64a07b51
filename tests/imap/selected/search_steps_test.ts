import assert from "node:assert/strict";
import { type Scan } from "../../../src/imap/commands/search/key.ts";
import { Scanned } from "../../../src/imap/commands/search/scan.ts";
import { StoredMessage } from "../../../src/imap/view/stored_message.ts";
import { fromBinary } from "../../../src/lib/bytes.ts";
import type { Steps } from "../../../src/lib/steps.ts";
import { encodeStructure } from "../../../src/message/structure_codec.ts";
import { parseMessage } from "../../../src/message/parser.ts";

/*
 * Messages that somebody made to hold a worker in SEARCH. There is no clock here: what the slow parts
 * of a step are given to work on is counted, in characters, and must stay below a bound that does not
 * grow with the message.
 */
const STEP_CHARS_MAX = 600_000;
const MB = 1024 * 1024;

const body = (type: string, text: string, encoding = "8bit") =>
  `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${text}`;
const html = (text: string) => body("text/html; charset=utf-8", text);
const plain = (charset: string, text: string) => body(`text/plain; charset=${charset}`, text);
const fill = (piece: string, bytes = MB) => piece.repeat(Math.ceil(bytes / piece.length));

const messages: Readonly<Record<string, string>> = {
  "tags": html(fill("<b>a</b><p>")),
  "signs that begin no tag": html(fill("<")),
  "one tag of many values": html(`<a ${fill('"" ')}>`),
  "references": html(fill("&amp;")),
  "words of one letter": html(fill("a ")),
  "white space": html(fill(" ")),
  "comments": html(fill("<!---->")),
  "a script without an end": html(`<script>${fill("</a")}`),
  "scripts": html(fill("<script></script>")),
  "combining marks": plain("utf-8", fill("\xcc\x81\xcc\x96")),
  "one letter that becomes eighteen": plain("utf-8", fill("\xef\xb7\xba")),
  "letters that change their number": plain("utf-8", fill("\xc3\x9fe")),
  "a slow charset": plain("gb18030", fill("\x81\x40")),
  "UTF-7": plain("utf-7", fill("+-")),
  "a long run of UTF-7": plain("utf-7", `+${fill("MEIw")}`),
  "quoted-printable": body("text/html; charset=utf-8", fill("=C3=9F ", 3 * MB), "quoted-printable"),
  "base64": body("text/html; charset=utf-8", fill("PGI+YTxi\r\n", 2 * MB), "base64"),
  "short fields": `${fill("a: b\r\n", 2 * MB)}\r\n`,
  "folds": `a: b\r\n${fill(" \r\n", 2 * MB)}\r\n`,
  "encoded words": `${fill("a: =?utf-8?q?=C3=9F?= =?x?q?a?=\r\n", 2 * MB)}\r\n`,
  "one long field": `a: ${fill("=?utf-8?q?=C3=9F?= ", 2 * MB)}\r\n\r\n`,
  "parts": `Content-Type: multipart/mixed; boundary=b\r\n\r\n${fill("--b\r\n\r\nx\r\n")}--b--\r\n`,
};

const keys: readonly Scan[] = [
  { kind: "text", where: "all", needle: "NOT THERE" },
  { kind: "text", where: "body", needle: `${"A".repeat(4_095)}!` },
  { kind: "field", name: "a", needle: `${"A".repeat(4_095)}!` },
];

for (const [what, text] of Object.entries(messages)) {
  Deno.test(`SEARCH looks at a message in small steps: ${what}`, async () => {
    const scanned = await read(text);
    for (const key of keys) {
      using meter = new Meter();
      const steps = counted(scanned.matches(key), meter);
      assert.ok(meter.most <= STEP_CHARS_MAX, `${key.kind}: ${meter.most} in a step of ${steps}`);
    }
  });
}

Deno.test("the meter notices work that is done at once", () => {
  using meter = new Meter();
  counted(atOnceAll(), meter);
  assert.ok(meter.most >= 2 * MB);
});

function* atOnceAll(): Steps<void> {
  yield;
  "x".repeat(2 * MB).normalize("NFKD");
}

async function read(text: string): Promise<Scanned> {
  const octets = fromBinary(text);
  const { root, headerBytes, sizeBytes } = parseMessage(octets);
  const row = { headerBytes, sizeBytes, header: null, structure: encodeStructure(root) };
  const blobs = { get: () => Promise.resolve(octets) };
  const parts = [row, blobs] as unknown as ConstructorParameters<typeof StoredMessage>;
  return await Scanned.read(new StoredMessage(...parts), "whole");
}

function counted<T>(work: Steps<T>, meter: Meter): number {
  for (let steps = 1;; steps++) {
    meter.begin();
    const { done } = work.next();
    meter.end();
    if (done) return steps;
  }
}

/** Counts the characters that slow built-in functions are given in a step. */
class Meter implements Disposable {
  most = 0;
  #now = 0;
  readonly #restore: (() => void)[] = [];

  constructor() {
    const strings = [
      "replace",
      "normalize",
      "toUpperCase",
      "toLowerCase",
      "split",
      "trim",
    ] as const;
    for (const name of strings) this.#count(String.prototype, name, (self) => `${self}`.length);
    this.#count(TextDecoder.prototype, "decode", (_self, [octets]) => sizeOf(octets));
    // Each of these looks at few characters, or goes on where the last one has ended.
    for (const name of ["exec", "test"] as const) this.#count(RegExp.prototype, name, () => 5);
    this.#count(String.prototype, "indexOf", () => 5);
  }

  begin(): void {
    this.#now = 0;
  }

  end(): void {
    this.most = Math.max(this.most, this.#now);
  }

  [Symbol.dispose](): void {
    for (const restore of this.#restore) restore();
  }

  #count(
    owner: object,
    name: string,
    size: (self: unknown, args: readonly unknown[]) => number,
  ): void {
    const original: unknown = Reflect.get(owner, name);
    assert.ok(typeof original === "function");
    const add = (self: unknown, args: readonly unknown[]) => {
      this.#now += size(self, args);
    };
    Reflect.set(owner, name, function (this: unknown, ...args: unknown[]): unknown {
      add(this, args);
      return Reflect.apply(original, this, args);
    });
    this.#restore.push(() => void Reflect.set(owner, name, original));
  }
}

function sizeOf(octets: unknown): number {
  return ArrayBuffer.isView(octets) ? octets.byteLength : 0;
}
