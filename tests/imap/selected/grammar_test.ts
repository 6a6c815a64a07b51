import assert from "node:assert/strict";
import { fetchItems } from "../../../src/imap/commands/fetch/items.ts";
import { searchKeys } from "../../../src/imap/commands/search/parse.ts";
import { Scanner } from "../../../src/imap/wire/scanner.ts";
import { WireError } from "../../../src/imap/wire/wire_error.ts";
import { Refused } from "../../../src/lib/refused.ts";

const SEEDS = 3_000;
const WORDS = (
  "ALL FAST FULL FLAGS UID BODY BODY[ BODY.PEEK[ ] <0.1> < > . 1 0 4294967296 RFC822 .SIZE .TEXT " +
  "HEADER .FIELDS .NOT (A) ( ) TEXT MIME ENVELOPE BODYSTRUCTURE INTERNALDATE OR NOT SEEN KEYWORD " +
  'CHARSET utf-8 "" "x" {1}\r\nx {9}\r\nx BEFORE 1-Jan-2026 SENTON LARGER * 1:* , : \\ \x00 \xff'
).split(" ");

Deno.test("random FETCH items and SEARCH keys are read or refused, never anything else", () => {
  let state = 7;
  const roll = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  let read = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    let text = "";
    for (let i = roll(9); i >= 0; i--) text += `${WORDS[roll(WORDS.length)]}${" ".repeat(roll(2))}`;
    for (const parse of [fetchItems, searchKeys]) {
      const wire = new Scanner(text);
      try {
        parse(wire);
        wire.end();
        read++;
      } catch (error) {
        assert.ok(error instanceof WireError || error instanceof Refused, `${text}: ${error}`);
      }
    }
  }
  assert.ok(read > 20, `only ${read} of them were right`);
});

Deno.test("an item that is asked for twice is answered once", () => {
  const text = "(UID FLAGS uid BODY[TEXT] BODY.PEEK[TEXT] BODY[]<0.5> BODY[]<0.6>)";
  const items = fetchItems(new Scanner(text));
  assert.deepEqual(
    items.map((item) => item.kind === "section" ? item.label : item.kind),
    ["UID", "FLAGS", "BODY[TEXT]", "BODY[]<0>", "BODY[]<0>"],
  );
  assert.ok(items.some((item) => item.kind === "section" && item.marksSeen));
});
