import { atOnce } from "../../../src/lib/steps.ts";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { concat, fromBinary } from "../../../src/lib/bytes.ts";
import { renderBody, renderBodyStructure } from "../../../src/message/body_structure.ts";
import { type MessageFacts, messageFacts } from "../../../src/message/facts.ts";
import { MessageParser, type ParsedMessage, parseMessage } from "../../../src/message/parser.ts";
import type { Part } from "../../../src/message/part.ts";
import { locateSection, type Section } from "../../../src/message/section.ts";
import { decodeStructure, encodeStructure } from "../../../src/message/structure_codec.ts";
import { BodyGrammar } from "./body_grammar.ts";

/** mulberry32: a seeded stream of numbers in [0, 1). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Lines as a message with CRLF line ends (the last one too). */
export function lines(...text: string[]): string {
  return text.map((line) => `${line}\r\n`).join("");
}

/** Parses in pieces whose lengths `next` gives. Every piece is wiped after the push. */
export function parseInPieces(bytes: Uint8Array, next: () => number): ParsedMessage {
  const parser = new MessageParser();
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + Math.max(1, next()));
    const piece = new Uint8Array(bytes.subarray(at, end));
    parser.push(piece);
    piece.fill(0x2d); // the parser must not have kept it
    at = end;
  }
  return parser.finish();
}

/** Reads a binary string whole, octet by octet and in random pieces: all must agree. */
export function read(text: string): ParsedMessage {
  const bytes = fromBinary(text);
  const whole = parseMessage(bytes);
  const chance = random(bytes.length + 1);
  assert.deepEqual(comparable(parseInPieces(bytes, () => 1)), comparable(whole), "octet by octet");
  for (const longest of [3, 20, 200]) {
    const pieces = parseInPieces(bytes, () => Math.floor(chance() * longest) + 1);
    assert.deepEqual(comparable(pieces), comparable(whole), `random pieces up to ${longest}`);
  }
  checkInvariants(whole, bytes);
  return whole;
}

function comparable({ sizeBytes, headerBytes, header, root }: ParsedMessage): unknown {
  return { sizeBytes, headerBytes, header: [...header], root };
}

/** What holds for the result of any octets at all. */
export function checkInvariants(parsed: ParsedMessage, bytes: Uint8Array): MessageFacts {
  assert.equal(parsed.sizeBytes, bytes.length);
  assert.ok(parsed.headerBytes <= parsed.sizeBytes);
  if (parsed.header.length === parsed.headerBytes) {
    assert.ok(Buffer.compare(parsed.header, bytes.subarray(0, parsed.headerBytes)) === 0);
  }
  assert.equal(parsed.root.bodyStart, 0);
  assert.equal(parsed.root.bodyEnd, parsed.sizeBytes - parsed.headerBytes);
  checkPart(parsed.root, 0, parsed.root.bodyEnd);
  BodyGrammar.checkBody(renderBody(parsed.root), { extended: false });
  const facts = messageFacts(parsed);
  BodyGrammar.checkBody(facts.bodyStructure, { extended: true });
  BodyGrammar.checkEnvelope(facts.envelope);
  assert.equal(facts.bodyStructure, renderBodyStructure(parsed.root));
  const decoded = decodeStructure(facts.structure);
  assert.equal(encodeStructure(decoded), facts.structure);
  if (facts.structure.length < 20_000) assert.deepEqual(decoded, parsed.root);
  for (const value of Object.values(facts)) {
    if (typeof value !== "string") continue;
    assert.ok(!value.includes("\0"), "facts are NUL free");
    assert.ok(value.isWellFormed(), "facts are well-formed Unicode");
  }
  return facts;
}

function checkPart(part: Part, from: number, to: number): void {
  assert.ok(from <= part.headerStart, "header within the parent");
  assert.ok(part.headerStart <= part.bodyStart && part.bodyStart <= part.bodyEnd, "in order");
  assert.ok(part.bodyEnd <= to, "body within the parent");
  assert.ok(part.lines >= 0 && part.lines <= part.bodyEnd - part.bodyStart, "lines");
  assert.equal(part.message !== null, part.type === "message" && part.subtype === "rfc822");
  let last = part.bodyStart;
  for (const child of part.children) {
    checkPart(child, last, part.bodyEnd);
    last = child.bodyEnd;
  }
  if (part.message) checkPart(part.message.body, part.bodyStart, part.bodyEnd);
}

/** The shape of a tree in one line: `mixed(text/plain, message/rfc822[text/html])`. */
export function shape(part: Part): string {
  if (part.type === "multipart") return `${part.subtype}(${part.children.map(shape).join(", ")})`;
  const name = `${part.type}/${part.subtype}`;
  return part.message ? `${name}[${shape(part.message.body)}]` : name;
}

/** `BODY[…]` of a message, as a binary string; null when there is no such section. */
export function section(text: string, wanted: Partial<Section>): string | null {
  const bytes = fromBinary(text);
  const { root, headerBytes, sizeBytes } = parseMessage(bytes);
  const full: Section = { path: [], text: null, fields: [], ...wanted };
  const found = locateSection(root, full, headerBytes, sizeBytes);
  if (!found) return null;
  const octets = bytes.subarray(found.start, found.end);
  return String.fromCharCode(...(found.filter ? atOnce(found.filter(octets)) : octets));
}

/** Unicode text as the binary string of its UTF-8 octets. */
export function utf8(text: string): string {
  return String.fromCharCode(...concat([new TextEncoder().encode(text)]));
}
