import assert from "node:assert/strict";
import { toBinary } from "../../src/lib/bytes.ts";
import { type ImapClient, makeWorld, type World } from "../support/imap.ts";

const utf8 = (text: string) => toBinary(new TextEncoder().encode(text));

function message(fields: Readonly<Record<string, string>>): string {
  const header = Object.entries(fields).map(([name, body]) => `${name}: ${body}\r\n`).join("");
  return utf8(`${header}\r\nbody\r\n`);
}

async function delivered(
  world: World,
  all: readonly Readonly<Record<string, string>>[],
): Promise<ImapClient> {
  for (const fields of all) await world.deliver(message(fields));
  const client = await world.login();
  await client.ok("SELECT INBOX");
  return client;
}

Deno.test("SORT compares folded texts: case, marks and accents", async () => {
  await using world = await makeWorld("empty");
  const client = await delivered(world, [
    { From: "Zoe <m@x>", Subject: "Re: zebra" },
    { From: "=?iso-8859-1?Q?=E4gypten?= <Z@x>", Subject: "[list] Fwd: Äpfel" },
    { From: "ada <A@x>", Subject: "apple (fwd)" },
    { From: "<b@x>", Subject: "Birne" },
    { Subject: "Re: RE: re: [x]" },
    {},
  ]);
  const cases: readonly (readonly [program: string, sorted: string])[] = [
    ["(SUBJECT)", "6 3 2 4 1 5"],
    ["(REVERSE SUBJECT)", "5 1 4 2 3 6"],
    ["(FROM)", "5 6 3 4 1 2"],
    ["(DISPLAYFROM)", "5 6 3 2 4 1"],
    ["(REVERSE DISPLAYFROM)", "1 4 2 3 5 6"],
    ["(TO CC DISPLAYTO)", "1 2 3 4 5 6"],
  ];
  for (const [program, sorted] of cases) {
    assert.deepEqual(await client.ok(`SORT ${program} UTF-8 ALL`), [`* SORT ${sorted}`], program);
  }
  const sorted = await client.ok("SORT (DATE) ISO-8859-1 SUBJECT {5+}\r\n\xc4pfel");
  assert.deepEqual(sorted, ["* SORT 2"]);
});

Deno.test("SORT (DATE) has what was never sent by the time it came", async () => {
  await using world = await makeWorld("empty");
  const date = (day: number, zone = "+0000") => `${day} Jan 2026 00:30:00 ${zone}`;
  const came = (day: number) => ({ internalDate: new Date(Date.UTC(2026, 0, day)) });
  await world.deliver(message({ Date: date(3) }), came(9));
  await world.deliver(message({ Date: date(3, "+1200") }), came(1));
  await world.deliver(message({}), came(2));
  await world.deliver(message({ Date: "soon" }), came(4));
  const client = await world.login();
  await client.ok("SELECT INBOX");
  assert.deepEqual(await client.ok("SORT (DATE) UTF-8 ALL"), ["* SORT 3 2 1 4"]);
  assert.deepEqual(await client.ok("SORT (ARRIVAL) UTF-8 ALL"), ["* SORT 2 3 4 1"]);
});

Deno.test("SORT and THREAD know only what this client has been told", async () => {
  await using world = await makeWorld("two-messages");
  const [client, other] = [await world.login(), await world.login()];
  await client.ok("SELECT INBOX");
  await other.ok("SELECT INBOX");
  await other.ok("STORE 1 +FLAGS (\\Deleted)");
  await other.ok("EXPUNGE");
  await world.deliver(message({ Subject: "Third" }));
  // RFC 5256 §3: no EXPUNGE during SORT by number, so the other message is still number 2.
  const [sorted] = await client.ok("SORT (REVERSE DATE) UTF-8 ALL");
  assert.equal(sorted, "* SORT 2");
  const [threads] = await client.ok("THREAD REFERENCES UTF-8 ALL");
  assert.equal(threads, "* THREAD (2)");
  const told = await client.ok("NOOP");
  assert.ok(told.includes("* 1 EXPUNGE") && told.includes("* 2 EXISTS"), told.join("; "));
  assert.deepEqual(await client.ok("THREAD REFS UTF-8 ALL"), ["* THREAD (2)(1)"]);
});

Deno.test("where a limit cuts, SORT and THREAD say so", async () => {
  await using world = await makeWorld("two-messages", { config: { maxComplexSortResults: 1 } });
  const client = await world.login();
  await client.ok("SELECT INBOX");
  for (const command of ["SORT (SUBJECT) UTF-8", "THREAD REFS UTF-8"]) {
    const [refused, ...others] = await client.command(`${command} ALL`);
    assert.match(refused ?? "", /^NO \[LIMIT\]/);
    assert.deepEqual(others, []);
    assert.equal((await client.ok(`${command} 2`)).length, 1);
  }
  assert.deepEqual(await client.ok("SORT (REVERSE DATE SIZE ARRIVAL) UTF-8 ALL"), ["* SORT 2 1"]);
});

Deno.test("THREAD charges the session's memory, and lets go again", async () => {
  await using world = await makeWorld("empty", { config: { sessionMemoryLimitBytes: 5_000 } });
  const references = Array.from({ length: 90 }, (_, n) => `<${`${n}`.padEnd(500, "x")}@x>`);
  const client = await delivered(world, [{ References: references.join("\r\n ") }, {}]);
  assert.match((await client.command("THREAD REFERENCES UTF-8 ALL")).at(-1) ?? "", /^NO \[LIMIT\]/);
  assert.deepEqual(await client.ok("THREAD REFERENCES UTF-8 2"), ["* THREAD (2)"]);
  assert.deepEqual(await client.ok("THREAD ORDEREDSUBJECT UTF-8 ALL"), ["* THREAD (1 2)"]);
});

Deno.test("what is disabled is neither announced nor done", async () => {
  const cases: readonly (readonly [cap: string, command: string, gone: RegExp])[] = [
    ["SORT", "SORT (DATE) UTF-8 ALL", / (?:E?SORT|SORT=DISPLAY|CONTEXT=SORT)(?: |$)/],
    ["SORT=DISPLAY", "SORT (DISPLAYTO) UTF-8 ALL", / SORT=DISPLAY(?: |$)/],
    ["ESORT", "SORT RETURN () (DATE) UTF-8 ALL", / ESORT(?: |$)/],
    ["THREAD=REFS", "THREAD REFS UTF-8 ALL", / THREAD=REFS(?: |$)/],
  ];
  for (const [cap, command, gone] of cases) {
    await using world = await makeWorld("empty", { config: { disabledCaps: [cap] } });
    const client = await world.login();
    const [announced] = await client.ok("CAPABILITY");
    assert.doesNotMatch(announced ?? "", gone);
    await client.ok("SELECT INBOX");
    assert.match((await client.command(command)).at(-1) ?? "", /^BAD /);
    assert.deepEqual(await client.ok("THREAD REFERENCES UTF-8 ALL"), ["* THREAD"]);
  }
});
