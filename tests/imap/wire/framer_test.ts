import assert from "node:assert/strict";
import fc from "fast-check";
import { afterLogin, Framer, type FramerLimits } from "../../../src/imap/wire/framer.ts";
import { fromBinary, toBinary } from "../../../src/lib/bytes.ts";

/** What to do with an announced literal. */
type Decision = "accept" | "stream" | "refuse";

const small: FramerLimits = {
  lineBytes: 100,
  literalBytes: 20,
  literalsBytes: 30,
  drainBytes: 1_000,
};

Deno.test("commands are split at line ends, literals inline", () => {
  const cases = [
    ["a NOOP\r\nb NOOP\r\n", ["a NOOP", "b NOOP"]],
    ["a NOOP\nb NOOP\n", ["a NOOP", "b NOOP"]], // a bare LF ends a line
    ["a\rb\r\n", ["a\rb"]], // a bare CR does not
    ["\r\n\r\n", ["", ""]],
    ["a {3+}\r\nx\r\n y\r\n", ["a {3+}\r\nx\r\n y"]],
    ["a {3+}\nx\r\n y\r\n", ["a {3+}\r\nx\r\n y"]],
    ["a {2+}\r\n{1}\r\n", ["a {2+}\r\n{1}"]], // the literal's end announces nothing
    ["a {1+}\r\n\r\n", ["a {1+}\r\n\r"]], // and ends no line
    ["a {0+}\r\n\r\n", ["a {0+}\r\n"]],
    ["a {2-}\r\n{} ~{1+}\r\nx\r\n", ["a {2-}\r\n{} ~{1+}\r\nx"]],
    ["a {1e9}\r\n", ["a {1e9}"]],
    ["a {-1}\r\n", ["a {-1}"]],
    ["a {}\r\n", ["a {}"]],
    ["a {3} \r\n", ["a {3} "]],
    ["a \0\r\n", ["a \0"]],
  ] as const;
  for (const [input, expected] of cases) assert.deepEqual(commands(input), expected, input);
});

Deno.test("a refused command takes all of its literals with it, and the next one is whole", () => {
  const refused = [
    "a {5+}\r\nab\r\nc rest\r\n",
    "a {5+}\r\nabcde {3+}\r\nxyz {0+}\r\n\r\n",
    `a {5+}\r\nabcde ${"x".repeat(300)} {3+}\r\nxyz\r\n`,
    "a {5}\r\n", // nobody sends a synchronising literal after the refusal
    "a {4294967296}\r\n",
    "a {99999999999999999999}\r\n",
    "a {5+}\r\nabcde {7}\r\n",
  ];
  for (const text of refused) {
    for (const size of [1, 2, 7, 1_000]) {
      const events = frame(`${text}b NOOP\r\n`, { size, decide: () => "refuse" });
      assert.deepEqual(events, ["literal a", "gone", "command b NOOP"], `${text} by ${size}`);
    }
  }
});

Deno.test("a line that is too long is noticed at the limit and read away", () => {
  const events = frame(`a ${"x".repeat(150)}\r\nb NOOP\r\n`, { limits: small });
  assert.deepEqual(events, ["overlong a", "gone", "command b NOOP"]);
  const hidden = frame(`a ${"x".repeat(150)} {4+}\r\n\r\n\r\n\r\nb NOOP\r\n`, { limits: small });
  assert.deepEqual(hidden, ["overlong a", "gone", "command b NOOP"]);
  for (let size = 90; size <= 110; size++) {
    const split = `a ${"x".repeat(94)} {4+}\r\n\r\n\r\n\r\nb NOOP\r\n`;
    const events = frame(split, { limits: small, size });
    assert.deepEqual(events, ["overlong a", "gone", "command b NOOP"], `by ${size}`);
  }
});

Deno.test("too much to read away is a flood", () => {
  const endless = frame(`a ${"x".repeat(2_000)}`, { limits: small });
  assert.deepEqual(endless, ["overlong a", "flood"]);
  const declared = frame("a {1001+}\r\n", { limits: small, decide: () => "refuse" });
  assert.deepEqual(declared, ["literal a", "flood"]);
  const huge = frame("a {18446744073709551615+}\r\n", { limits: small, decide: () => "refuse" });
  assert.deepEqual(huge, ["literal a", "flood"]);
});

Deno.test("literals fit until one or all of them are too much", () => {
  const framer = new Framer();
  framer.limits = small;
  framer.push(fromBinary("a {20+}\r\n01234567890123456789 {5+}\r\n01234 {6+}\r\n"));
  assert.equal(framer.next()?.kind, "literal");
  assert.ok(framer.fits(20));
  assert.ok(!framer.fits(21));
  framer.accept();
  assert.equal(framer.next()?.kind, "literal");
  assert.ok(framer.fits(10));
  assert.ok(!framer.fits(11));
  framer.accept();
  assert.equal(framer.next()?.kind, "literal");
  assert.ok(!framer.fits(6));
});

Deno.test("a streamed literal comes as octets, then the rest of its line", () => {
  for (const size of [1, 3, 100]) {
    const events = frame("a APPEND {5+}\r\nab\r\nc (x)\r\nb NOOP\r\n", {
      size,
      decide: () => "stream",
    });
    const octets = events.filter((event) => event.startsWith("octets ")).map((e) => e.slice(7));
    assert.equal(octets.join(""), "ab\r\nc");
    assert.deepEqual(events.slice(-2), ["command  (x)", "command b NOOP"]);
  }
});

Deno.test("a raw line announces nothing", () => {
  const framer = new Framer();
  framer.push(fromBinary("x {5}\r\nDONE\r\n"));
  assert.deepEqual(framer.next({ raw: true }), { kind: "command", text: "x {5}" });
  assert.deepEqual(framer.next({ raw: true }), { kind: "command", text: "DONE" });
  assert.ok(framer.isBetween);
});

Deno.test("a command is whole whatever the chunks, and nothing is held between two", () => {
  const line = fc.string({ unit: fc.constantFrom(...'ab {}"\\\r1+'), maxLength: 30 })
    .filter((text) => !/\{\d+\+?\}\r?$/.test(text) && !text.endsWith("\r"));
  const literal = fc.string({ unit: fc.constantFrom(..."x\r\n\0{1}+"), maxLength: 40 })
    .map((octets) => `{${octets.length}+}\r\n${octets}`);
  const command = fc.tuple(fc.array(fc.tuple(line, literal), { maxLength: 4 }), line)
    .map(([pairs, last]) => pairs.map(([text, octets]) => text + octets).join("") + last);
  fc.assert(
    fc.property(fc.array(command), fc.integer({ min: 1, max: 60 }), (expected, size) => {
      const input = expected.map((text) => `${text}\r\n`).join("");
      const events = frame(input, { size, limits: afterLogin });
      assert.deepEqual(events, expected.map((text) => `command ${text}`));
    }),
    { numRuns: 300 },
  );
});

/** The whole commands of an input, in one chunk, every literal accepted. */
function commands(input: string): string[] {
  return frame(input, { limits: afterLogin }).map((event) => event.slice("command ".length));
}

/** Every event as text: its kind and what it carries. Accepted literals leave no event. */
function frame(
  input: string,
  { size = input.length, limits = afterLogin, decide = () => "accept" }: {
    readonly size?: number;
    readonly limits?: FramerLimits;
    readonly decide?: () => Decision;
  },
): string[] {
  const framer = new Framer();
  framer.limits = limits;
  const events: string[] = [];
  for (let at = 0; at < input.length; at += size) {
    framer.push(fromBinary(input.slice(at, at + size)));
    for (let event = framer.next(); event; event = framer.next()) {
      switch (event.kind) {
        case "literal": {
          const decision = decide();
          framer[decision]();
          if (decision === "refuse") events.push(`literal ${event.head.split(" ")[0]}`);
          continue;
        }
        case "overlong":
          framer.refuse();
          events.push(`overlong ${event.head.split(" ")[0]}`);
          continue;
        case "octets":
          events.push(`octets ${toBinary(event.bytes)}`);
          continue;
        case "command":
          events.push(`command ${event.text}`);
          continue;
        case "gone":
          events.push("gone");
          continue;
        case "flood":
          events.push("flood");
          return events;
      }
    }
  }
  return events;
}
