import assert from "node:assert/strict";
import { makeWorld, PASSWORD, USER } from "../support/imap.ts";

const MIB = 1024 * 1024;

Deno.test("a stranger cannot make us hold or read much", async () => {
  await using world = await makeWorld("empty");
  const closed: readonly string[] = [
    "a1 LOGIN {1048576+}\r\n",
    "a1 LOGIN {4294967295+}\r\n",
    "a1 LOGIN {18446744073709551615+}\r\n",
    `a1 LOGIN ${"(".repeat(1_000_000)}\r\n`,
    `a1 LOGIN ${"x".repeat(200_000)}`,
    "x".repeat(200_000),
  ];
  for (const attack of closed) {
    const client = await world.connect();
    const sending = client.send(attack).catch(() => {});
    const lines = await client.rest();
    await sending;
    assert.match(lines.join("\n"), /^\* BYE /m, attack.slice(0, 30));
  }
});

Deno.test("a stranger's literal that is too large is refused before it is sent", async () => {
  await using world = await makeWorld("empty");
  const client = await world.connect();
  for (const size of ["4097", "4294967296", "99999999999999999999"]) {
    const [reply] = await client.command(`LOGIN {${size}}`);
    assert.equal(reply, "NO [LIMIT] Limit exceeded", size);
  }
  assert.match((await client.command(`LOGIN {1e3}`)).join(), /^BAD /);
  await client.ok(`LOGIN ${USER} ${PASSWORD}`);
});

Deno.test("literals that are too large are drained, and the connection goes on", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  for (let i = 0; i < 20; i++) {
    const [reply] = await client.literal("SEARCH BODY", "x".repeat(MIB + 1));
    assert.equal(reply, "NO [LIMIT] Limit exceeded");
  }
  const half = `{${600_000}+}\r\n${"y".repeat(600_000)}`;
  const [both] = await client.command(`SEARCH BODY ${half} BODY ${half}`);
  assert.equal(both, "NO [LIMIT] Limit exceeded");
  await client.ok("NOOP");
});

Deno.test("a line that is too long is BAD, and the next command is served", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const long = [
    `FETCH 1 ${"(".repeat(1_000_000)}`,
    `SEARCH ${"x".repeat(70_000)}`,
    `SEARCH ${"x".repeat(70_000)} {5+}\r\na\r\nb `,
    "x".repeat(70_000),
  ];
  for (const text of long) {
    const [reply] = await client.command(text);
    assert.equal(reply, "BAD Command line is too long");
  }
  const nested = await client.command(`FETCH 1 ${"(".repeat(60_000)}`);
  assert.match(nested.join(), /^BAD /);
  const searched = await client.command(`SEARCH ${"(".repeat(60_000)}ALL`);
  assert.match(searched.join(), /^BAD /);
  await client.ok("NOOP");
});

Deno.test("LITERAL+ that is switched off leaves LITERAL-, and that off leaves none", async () => {
  const sent = (bytes: number) => `APPEND INBOX {${bytes}+}\r\n${"x".repeat(bytes)}`;
  {
    await using world = await makeWorld("empty", { config: { disabledCaps: ["LITERAL+"] } });
    const client = await world.login();
    assert.match((await client.ok("CAPABILITY")).join(), / LITERAL-/);
    assert.match((await client.command(sent(4096))).join(), /^OK /);
    assert.match((await client.command(sent(4097))).join(), /^BAD \[TOOBIG\] /); // RFC 7888 §5
    assert.match(
      (await client.command(`STATUS {4097+}\r\n${"x".repeat(4097)} (MESSAGES)`)).join(),
      /^BAD /,
    );
    await client.ok("NOOP");
  }
  await using world = await makeWorld("empty", {
    config: { disabledCaps: ["LITERAL+", "LITERAL-"] },
  });
  const client = await world.login();
  assert.ok(!(await client.ok("CAPABILITY")).join().includes("LITERAL"));
  assert.match((await client.command(sent(1))).join(), /^BAD /);
  await client.ok("NOOP");
});

Deno.test("octets that no grammar allows are BAD wherever they come", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  // deno-fmt-ignore
  const texts = [
    'STATUS "IN\0BOX" (MESSAGES)', "STATUS {6+}\r\nIN\0BOX (MESSAGES)", "STATUS IN\rBOX (MESSAGES)",
    "STATUS IN\0BOX (MESSAGES)", "STATUS INBOX\t(MESSAGES)", "STATUS  INBOX (MESSAGES)",
    "STATUS INBOX (MESSAGES) ", 'STATUS "INBOX (MESSAGES)', "STATUS INBOX (MESSAGES", "\0", "\xff",
    "STATUS INB\xc3\x96X (MESSAGES)",
  ];
  for (const text of texts) {
    const replies = await client.command(text);
    assert.match(replies.join(), /^BAD Expected /, JSON.stringify(text));
    await client.ok("NOOP");
  }
});

Deno.test("commands come in any pieces and any number at once", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  const script = Array.from({ length: 500 }, (_, i) => `p${i} STATUS {5+}\r\nINBOX (UIDNEXT)\r\n`);
  const sending = client.send(script.join(""));
  for (let i = 0; i < script.length; i++) {
    assert.deepEqual(await client.until(`p${i}`), [
      '* STATUS "INBOX" (UIDNEXT 1)',
      "OK STATUS completed",
    ]);
  }
  await sending;
  for (const octet of "q1 STATUS {5+}\r\nINBOX (UIDNEXT)\r\n") await client.send(octet);
  assert.equal((await client.until("q1")).length, 2);
});

Deno.test("commands that wait behind a search are served as they were sent", async () => {
  await using world = await makeWorld("two-messages");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const behind = Array.from({ length: 50 }, (_, i) => `q${i} STATUS INBOX (UIDNEXT)\r\n`).join("");
  await client.send(`s1 SEARCH OR BODY hello TEXT hello\r\n${behind}`);
  await client.send('r1 LIST "" nothing\r\n'.repeat(100));
  assert.deepEqual(await client.until("s1"), ["* SEARCH 1 2", "OK SEARCH completed"]);
  for (let i = 0; i < 50; i++) {
    assert.equal((await client.until(`q${i}`)).at(-1), "OK STATUS completed");
  }
  for (let i = 0; i < 100; i++) assert.deepEqual(await client.until("r1"), ["OK LIST completed"]);
});
