import assert from "node:assert/strict";
import { logger } from "../../src/observe/log.ts";
import type { LogEntry } from "../../src/observe/log_entry.ts";
import { formatEntry } from "../../src/observe/log_format.ts";
import { startLogging, stopLogging } from "../../src/observe/logging.ts";
import type { LogLevel } from "../../src/observe/log_level.ts";

/** What `act` logs at `level` and above. */
function logged(level: LogLevel, act: () => void): LogEntry[] {
  const entries: LogEntry[] = [];
  startLogging(level, (entry) => entries.push(entry));
  try {
    act();
  } finally {
    stopLogging();
  }
  return entries;
}

Deno.test("logger() is silent until logging starts", () => {
  logger("test").error("nobody-hears", { error: new Error("nothing") });
  assert.deepEqual(logged("debug", () => {}), []);
});

Deno.test("logger() keeps level, category, event and fields", () => {
  const [entry] = logged("info", () => {
    logger("imap").with({ session: "s1" }).with({ user: 7 }).info("selected", { messages: 3 });
  });
  assert.ok(entry);
  assert.equal(entry.level, "info");
  assert.equal(entry.category, "imap");
  assert.equal(entry.event, "selected");
  assert.deepEqual(entry.fields, { session: "s1", user: 7, messages: 3 });
});

Deno.test("a level lets itself and those above through", () => {
  const all = (): void => {
    const log = logger("test");
    log.debug("debug");
    log.info("info");
    log.warning("warning");
    log.error("error");
  };
  const cases: [LogLevel, string[]][] = [
    ["debug", ["debug", "info", "warning", "error"]],
    ["info", ["info", "warning", "error"]],
    ["warning", ["warning", "error"]],
    ["error", ["error"]],
  ];
  for (const [level, events] of cases) {
    assert.deepEqual(logged(level, all).map(({ event }) => event), events);
  }
});

Deno.test("no password and no message content gets into a line, however it is passed", () => {
  const secret = "hunter2-s3cret";
  const fields: Record<string, unknown>[] = [
    { password: secret },
    { Password: secret },
    { userPassword: secret },
    { password_hash: secret },
    { passwd: secret },
    { secret },
    { apiKey: secret },
    { api_key: secret },
    { accessToken: secret },
    { authorization: `Bearer ${secret}` },
    { credentials: { user: "u", value: secret } },
    { body: secret },
    { body: { deep: [secret] } },
    { literal: new TextEncoder().encode(secret) },
    { text: secret },
    { content: secret },
    { chunk: new TextEncoder().encode(secret) },
    { login: { user: "u", password: secret } },
    { attempts: [{ password: secret }] },
    {
      error: Object.assign(new Error("Cannot insert"), { detail: secret, parameters: [secret] }),
    },
  ];
  const entries = logged("debug", () => {
    for (const each of fields) logger("test").info("event", each);
  });
  assert.equal(entries.length, fields.length);
  for (const entry of entries) {
    for (const format of ["console", "json"] as const) {
      const line = formatEntry(entry, format);
      assert.ok(!line.includes(secret), line);
    }
  }
});

Deno.test("sizes and flags under a content key are kept", () => {
  const [entry] = logged("debug", () => logger("test").info("event", { bytes: 12, body: true }));
  assert.deepEqual(entry?.fields, { bytes: 12, body: true });
});

Deno.test("values of every kind become plain data that survives a structured clone", () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  const values = {
    big: 2n ** 64n,
    when: new Date(0),
    never: new Date(NaN),
    nothing: null,
    missing: undefined,
    call: () => 1,
    symbol: Symbol("s"),
    set: new Set([1, 2]),
    measured: 65.85794700000002,
    tiny: 0.00018815700000413926,
    octets: new Uint8Array(9),
    loop,
    long: "x".repeat(10_000),
    many: Array.from({ length: 1000 }, (_, i) => i),
  };
  const [entry] = logged("debug", () => logger("test").info("event", values));
  assert.ok(entry);
  assert.deepEqual(structuredClone(entry), entry);
  assert.equal(entry.fields.big, "18446744073709551616");
  assert.equal(entry.fields.when, "1970-01-01T00:00:00.000Z");
  assert.equal(entry.fields.never, null);
  assert.ok(!("missing" in entry.fields));
  assert.equal(entry.fields.octets, "[9 octets]");
  assert.deepEqual(entry.fields.set, [1, 2]);
  assert.equal(entry.fields.measured, 65.86);
  assert.equal(entry.fields.tiny, 0.0001882);
  assert.ok(formatEntry(entry, "json").length < 6_000);
});

Deno.test("an error keeps its stack and its cause; console shows them at level error only", () => {
  const error = new Error("outer", { cause: new TypeError("inner") });
  const [bad, mild] = logged("debug", () => {
    logger("test").error("failed", { error });
    logger("test").warning("odd", { error });
  });
  assert.ok(bad && mild);
  const text = formatEntry(bad, "console");
  assert.match(text, /failed error="Error: outer: TypeError: inner"/);
  assert.match(text, /\n {4}at .*log_test/);
  assert.match(text, /\n {2}caused by TypeError: inner/);
  assert.equal(formatEntry(mild, "console").split("\n").length, 2);
  assert.match(JSON.parse(formatEntry(bad, "json")).error.stack, /log_test/);
});

Deno.test("console lines cannot be forged or carry control characters", () => {
  const [entry] = logged("debug", () => {
    logger("test").info("event", {
      user: "a\r\n2026 ERROR x\x1b[2J",
      plain: "a/b.c@d",
      two: "a b",
    });
  });
  assert.ok(entry);
  const text = formatEntry(entry, "console");
  assert.equal(text.split("\n").length, 2);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(text.trimEnd(), /[\x00-\x1f]/);
  assert.match(text, /plain=a\/b\.c@d two="a b"\n$/);
});

Deno.test("a field cannot forge the entry's own keys in JSON", () => {
  const [entry] = logged("debug", () => {
    logger("test").info("event", { level: "error", event: "x", time: "y", category: "z", own: 1 });
  });
  assert.ok(entry);
  const line = JSON.parse(formatEntry(entry, "json"));
  assert.deepEqual(
    { level: line.level, event: line.event, category: line.category, own: line.own },
    { level: "info", event: "event", category: "test", own: 1 },
  );
});
