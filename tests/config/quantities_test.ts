import assert from "node:assert/strict";
import fc from "fast-check";
import { DURATION_MS_MAX, formatDuration, parseDuration } from "../../src/config/duration.ts";
import {
  formatListenAddress,
  isNetwork,
  parseListenAddress,
} from "../../src/config/listen_address.ts";
import { formatSize, parseSize } from "../../src/config/size.ts";

Deno.test("parseDuration() reads what operators write", () => {
  const day = 86_400_000;
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["14d", 14 * day],
    ["1h", 3_600_000],
    ["500ms", 500],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["2w", 14 * day],
    [" 5m ", 300_000],
    ["0", 0],
    ["0s", 0],
    ["1m500ms", 60_500],
    ["", undefined],
    ["5", undefined],
    ["5 m", undefined],
    ["-5m", undefined],
    ["1m1h", undefined],
    ["1h1h", undefined],
    ["1y", undefined],
    ["1H", undefined],
    [".5h", undefined],
    ["1e3s", undefined],
    ["Infinityd", undefined],
    ["99999999d", undefined],
    ["1".repeat(400) + "d", undefined],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, JSON.stringify(text));
});

Deno.test("formatDuration() is read back by parseDuration()", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: DURATION_MS_MAX }), (ms) => {
    assert.equal(parseDuration(formatDuration(ms)), ms);
  }));
  assert.equal(formatDuration(14 * 86_400_000), "14d");
  assert.equal(formatDuration(5_400_000), "1h30m");
});

Deno.test("parseSize() reads what operators write", () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["10gb", 10 * 1024 ** 3],
    ["512kb", 512 * 1024],
    ["25MB", 25 * 1024 ** 2],
    ["1.5 MiB", 1.5 * 1024 ** 2],
    ["64k", 65_536],
    ["1024", 1024],
    ["7b", 7],
    ["0", 0],
    ["", undefined],
    ["kb", undefined],
    ["-1kb", undefined],
    ["1 2kb", undefined],
    ["1kbps", undefined],
    ["9007199254740993", undefined],
    ["9999999tb", undefined],
  ];
  for (const [text, octets] of cases) assert.equal(parseSize(text), octets, JSON.stringify(text));
});

Deno.test("formatSize() is read back by parseSize()", () => {
  fc.assert(fc.property(fc.maxSafeNat(), (octets) => {
    assert.equal(parseSize(formatSize(octets)), octets);
  }));
  assert.equal(formatSize(25 * 1024 ** 2), "25mb");
});

Deno.test("parseListenAddress() reads what operators write", () => {
  const cases: readonly (readonly [string, string | undefined, number?])[] = [
    [":143", "", 143],
    ["*:143", "", 143],
    ["0.0.0.0:143", "0.0.0.0", 143],
    ["127.0.0.1:0", "127.0.0.1", 0],
    ["[::1]:143", "::1", 143],
    ["[::]:65535", "::", 65535],
    ["mail.example.com:24", "mail.example.com", 24],
    ["localhost:24", "localhost", 24],
    ["143", undefined],
    ["", undefined],
    [":", undefined],
    [":65536", undefined],
    [":-1", undefined],
    ["::1:143", undefined],
    ["[::1]", undefined],
    ["[::g]:143", undefined],
    ["[127.0.0.1]:143", undefined],
    ["256.1.1.1:143", undefined],
    ["1.2.3:143", undefined],
    ["a b:143", undefined],
    ["-a:143", undefined],
    ["http://x:143", undefined],
    [`${"a".repeat(300)}:1`, undefined],
  ];
  for (const [text, host, port] of cases) {
    const expected = host === undefined ? undefined : { host, port };
    assert.deepEqual(parseListenAddress(text), expected, JSON.stringify(text));
  }
});

Deno.test("isNetwork() takes addresses and CIDR networks only", () => {
  const good = [
    "10.0.0.0/8",
    "127.0.0.1",
    "0.0.0.0/0",
    "::1",
    "fd00::/8",
    "::/0",
    "::ffff:1.2.3.4",
  ];
  const bad = ["", "10", "10.0.0.0/33", "::1/129", "10.0.0.0/", "10.0.0/8", "x/8", "1.2.3.4/8/9"];
  for (const text of good) assert.equal(isNetwork(text), true, text);
  for (const text of [...bad, "localhost", "010.0.0.1", "0x7f.1"]) {
    assert.equal(isNetwork(text), false, text);
  }
});

Deno.test("the parsers of values are total, and what they accept can be written again", () => {
  const piece = fc.constantFrom(
    ...["1", "30", ".", ":", "[", "]", "d", "h", "m", "ms", "s", "kb", "gb", " ", "-", "::", "/"],
    ...["e", "x", "\n", "\0", "é", "127.0.0.1", "65535", "localhost"],
  );
  const text = fc.oneof(fc.string(), fc.array(piece, { maxLength: 12 }).map((all) => all.join("")));
  fc.assert(
    fc.property(text, (any) => {
      const ms = parseDuration(any);
      if (ms !== undefined) {
        assert.ok(Number.isSafeInteger(ms) && ms >= 0 && ms <= DURATION_MS_MAX);
      }
      const octets = parseSize(any);
      if (octets !== undefined) assert.ok(Number.isSafeInteger(octets) && octets >= 0);
      const address = parseListenAddress(any);
      if (address) {
        assert.deepEqual(parseListenAddress(formatListenAddress(address)), address);
        assert.ok(address.port >= 0 && address.port <= 65535);
      }
      isNetwork(any);
    }),
    { numRuns: 3000 },
  );
});
