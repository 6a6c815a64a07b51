import assert from "node:assert/strict";
import { mailboxFilter } from "../../src/admin/mailbox_filter.ts";
import { printable } from "../../src/admin/printable.ts";
import { Progress } from "../../src/admin/progress.ts";

/** A terminal and a clock. */
function watched(showsProgress: boolean) {
  const shown: string[] = [];
  const clock = { ms: 0 };
  const progress = new Progress(
    { showsProgress, err: (text) => void shown.push(text) },
    { total: 20_000, now: () => clock.ms },
  );
  return { shown, clock, progress };
}

Deno.test("Progress draws a bar with rate and time left", () => {
  const { shown, clock, progress } = watched(true);
  progress.step("INBOX", 10);
  assert.deepEqual(shown, [], "not at once");
  clock.ms = 1_000;
  progress.step("INBOX", 4_990);
  const bar = "[######------------------] 25%";
  assert.deepEqual(shown, [`\r${bar}  5000/20000  5000/s  0:03 left  INBOX\x1b[K`]);
  clock.ms = 1_050;
  progress.step("INBOX", 1);
  assert.equal(shown.length, 1);
  clock.ms = 5_000;
  progress.step(`long\x1b[2J${"x".repeat(100)}`, 4_999);
  const second = shown.at(-1) ?? "";
  assert.match(second, /10000\/20000 {2}2000\/s {2}0:05 left {2}long\?\[2Jx+/);
  assert.equal(second.length, 1 + 79 + 3);
  progress.end();
  assert.equal(shown.at(-1), "\r\x1b[K");
});

Deno.test("Progress writes a line now and then where nobody looks", () => {
  const { shown, clock, progress } = watched(false);
  for (clock.ms = 100; clock.ms <= 20_000; clock.ms += 100) progress.step("INBOX", 10);
  progress.end();
  assert.deepEqual(shown, [
    "1000/20000, 100/s, 3:10 left: INBOX\n",
    "2000/20000, 100/s, 3:00 left: INBOX\n",
  ]);
});

Deno.test("mailboxFilter() knows names in any case, and *", () => {
  const wants = mailboxFilter("inbox, Archive*,a.c");
  const names = ["INBOX", "INBOX/x", "archive", "Archive/2020", "My/Archive", "a.c", "abc"];
  assert.deepEqual(names.filter(wants), ["INBOX", "archive", "Archive/2020", "a.c"]);
  assert.ok(mailboxFilter(undefined)("x"));
});

Deno.test("printable() leaves nothing that steers a terminal", () => {
  assert.equal(printable("a\x1b[31m\n\u202eb\x9bü"), "a?[31m??b?ü");
});
