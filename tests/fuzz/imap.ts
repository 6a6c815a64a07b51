import assert from "node:assert/strict";
import { ListPattern } from "../../src/imap/list_pattern.ts";
import { commands } from "../../src/imap/registry.ts";
import { afterLogin, beforeLogin, Framer, type FramerLimits } from "../../src/imap/wire/framer.ts";
import { Scanner } from "../../src/imap/wire/scanner.ts";
import { decodeUtf7, encodeUtf7 } from "../../src/lib/modified_utf7.ts";
import { WireError } from "../../src/imap/wire/wire_error.ts";
import { fromBinary, toBinary } from "../../src/lib/bytes.ts";
import { Refused } from "../../src/lib/refused.ts";
import { quickly } from "./quickly.ts";
import { dice } from "../support/dice.ts";

/**
 * Any octets: the framer finds the same commands in any pieces and holds no more than it may; reading
 * a command gives arguments, WireError or Refused, nothing else, and holds no event loop; and after
 * each of them the next command is found.
 */
export const target = { name: "imap", run };

/** Between two looks at the clock, and chances for the event loop. */
const ROUNDS = 50;
const PIECES_MAX = 40;

/** Line ends that complete whatever was begun: more octets than the longest literal below. */
const LINE_ENDS = 60;

const WORDS: readonly string[] = [
  ...' \r\n()[]{}<>"\\*%~+-.,:&@=0129azAZ\0\x01\x7f\x80\xff',
  ...commands.flatMap(({ name }) => [`a1 ${name} `, `a1 UID ${name} `]),
  "\r\n",
  "\r\n",
  "INBOX",
  '"INBOX"',
  "&AOk-",
  '"\xc3\xa4"',
  '"\xe4"',
  "{2+}\r\n\xc3\xa4",
  "&2D3eAA-",
  "&U,BTFw-",
  "&-",
  "*",
  "1:*",
  "4294967295",
  "4294967296",
  "2,4:7,9,12:*",
  "{3}\r\nabc",
  "{3+}\r\nabc",
  "~{2+}\r\n\0a",
  "{0+}\r\n",
  "{5-}\r\nab\r\nc",
  "{99999999999999999999+}\r\n",
  "{1048577}\r\n",
  "{41+}\r\n",
  "{1e9}",
  "(\\Seen $Junk)",
  "(\\Deleted)",
  '"17-Jul-1996 02:44:25 -0700"',
  "1-Feb-1994",
  "(REVERSE DATE SUBJECT) ",
  "RETURN (MIN PARTIAL 1:9) ",
  "REFERENCES UTF-8 ALL",
  "NIL",
  "__proto__",
  "constructor",
  '(FLAGS BODY.PEEK[1.2.HEADER.FIELDS (Subject "a b")]<0.10>)',
  "BODY[TEXT]",
  "ALL",
  "+FLAGS.SILENT (",
  "SEARCH CHARSET UTF-8 NOT (OR SUBJECT ",
  "SINCE 1-Feb-1994 ",
  'HEADER "X" ',
  "(USE (\\Sent))",
  "RETURN (SPECIAL-USE)",
  "(MESSAGES UIDNEXT)",
  "(SUBSCRIBED RECURSIVEMATCH) ",
  '("a%" INBOX) RETURN (STATUS (DELETED SIZE) METADATA (/private/comment))',
  "(BINARY.PEEK[1.2]<0.9> BINARY.SIZE[] PREVIEW (LAZY) EMAILID)",
  " (CHANGEDSINCE 7 VANISHED PARTIAL -1:-9)",
  'FUZZY MODSEQ "/flags/\\\\seen" all 3 $ EMAILID M1 OLDER 60 ',
  "IN (selected subtree-one (a b) mailboxes INBOX) RETURN (COUNT SAVE) ",
  "SET STATUS (selected (MessageNew (UID) MessageExpunge)) ",
  "(personal (MailboxName FlagChange))",
  "(MAXSIZE 9 DEPTH infinity) ",
  '(/private/comment "x" /shared/a~{1+}\r\n\0)',
  "(STORAGE 512 MESSAGE 9)",
  "PLAIN =",
  "DONE",
  "(".repeat(200),
  "x".repeat(9_000),
];

async function run(seed: number, untilMs: number): Promise<number> {
  const random = dice(seed);
  let tried = 0;
  while (Date.now() < untilMs || tried === 0) {
    for (let i = 0; i < ROUNDS; i++, tried++) {
      const input = Array.from(
        { length: random(PIECES_MAX) + 1 },
        () => WORDS[random(WORDS.length)],
      )
        .join("");
      try {
        checkFraming(input, random);
        checkReading(input);
        checkNames(input.slice(0, 60));
      } catch (error) {
        throw new Error(`seed ${seed}, input ${tried}: ${JSON.stringify(input)}`, { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return tried;
}

function checkFraming(input: string, random: (below: number) => number): void {
  for (const limits of [beforeLogin, afterLogin]) {
    const whole = frame(input, { limits, size: () => input.length });
    const pieces = frame(input, { limits, size: () => random(12) + 1 });
    assert.deepEqual(pieces, whole);
    // What was broken off is completed, and then the next command stands alone.
    const closed = frame(`${input}${"\r\n".repeat(LINE_ENDS)}zz NOOP\r\n`, {
      limits: { ...limits, drainBytes: 1e9 },
      size: () => 4_096,
    });
    assert.match(closed.at(-1) ?? "", /^(?:command zz NOOP|flood)$/);
  }
}

/** Every event as text; a literal is taken when it is small, streamed when odd, refused when large. */
function frame(
  input: string,
  { limits, size }: { readonly limits: FramerLimits; readonly size: () => number },
): string[] {
  const framer = new Framer();
  framer.limits = limits;
  const events: string[] = [];
  let octets = "";
  for (let at = 0; at < input.length;) {
    const piece = input.slice(at, at + size());
    at += piece.length;
    framer.push(fromBinary(piece));
    for (let event = framer.next(); event; event = framer.next()) {
      switch (event.kind) {
        case "literal":
          if (!framer.fits(event.sizeBytes)) framer.refuse();
          else if (event.sizeBytes % 2 === 1) framer.stream();
          else framer.accept();
          events.push(`literal ${event.sizeBytes} ${event.nonSync}`);
          break;
        case "overlong":
          framer.refuse();
          events.push("overlong");
          break;
        case "octets":
          octets += toBinary(event.bytes);
          if (event.last) events.push(`octets ${octets}`);
          if (event.last) octets = "";
          break;
        case "command":
          assert.ok(event.text.length <= limits.lineBytes + limits.literalsBytes);
          events.push(`command ${event.text}`);
          break;
        case "gone":
          events.push("gone");
          break;
        case "flood":
          return [...events, "flood"];
      }
    }
  }
  return events;
}

/** Every command reads any arguments without a surprise. */
function checkReading(input: string): void {
  const space = input.indexOf(" ", 3);
  const args = input.slice(Math.max(0, space));
  for (const command of commands) {
    for (const uid of command.uid ? [false, true] : [false]) {
      for (const utf8 of [false, true]) {
        try {
          quickly(command.name, () => command.prepare(new Scanner(args, { utf8 }), uid));
        } catch (error) {
          if (!(error instanceof WireError || error instanceof Refused)) throw error;
          assert.match(error.message, /^[\x20-\x7e]+$/); // one line, whatever came
        }
      }
    }
  }
}

function checkNames(text: string): void {
  const name = decodeUtf7(text);
  if (name !== null) assert.equal(encodeUtf7(name), text);
  if (text.isWellFormed()) assert.equal(decodeUtf7(encodeUtf7(text)), text);
  quickly("LIST", () => new ListPattern(text).matches(text.slice(3)));
}
