import assert from "node:assert/strict";
import { encodeUtf8, toBinary } from "../../src/lib/bytes.ts";
import { makeWorld, SHARING } from "../support/imap.ts";

/*
 * What strangers have written into messages, names and annotations is told as data: it ends no line,
 * no string and no response code, whichever way it comes back.
 */
const EVIL = '\r\n* 9 EXPUNGE\r\nt1 OK [ALERT] "] \\" ({5}\r\n\0\x1b[2J\u2028';
const encoded = `=?utf-8?B?${encodeUtf8(EVIL).toBase64()}?=`;
const percent = Array.from(encodeUtf8(EVIL), (o) => `%${o.toString(16).padStart(2, "0")}`).join("");

const headers: readonly string[] = [
  `Subject: ${encoded}`,
  `From: ${encoded} <"a\\"]\\\\ b"@example.org>`,
  `To: "${'\\"]'.repeat(20)}" <x@[127.0.0.1]>, ${encoded}: ${encoded} <g@example.org>;`,
  `Cc: (${encoded}) c@example.org`,
  'Message-ID: <"]* OK {7}"@example.org>',
  `In-Reply-To: <x"y\\z@example.org> ${encoded}`,
  'Date: ] {3} "Thu" \\ 1 Jan',
  `Content-Description: ${encoded}`,
  `Content-Language: "en]", {3}, \\`,
  `Content-Location: http://example.org/"]{4}\\`,
  `Content-Disposition: attachment; filename*=utf-8''${percent}; "]"="x\\"y"`,
  `Content-Type: text/plain; charset="utf-8]"; name="${encoded}"; n*0*=utf-8''${percent}`,
  'Content-ID: <"]{1}\\">',
  'Content-Transfer-Encoding: "7bit]"',
  'Content-MD5: ]"{2}\\',
  "Bcc: \x80\xff\xfe raw \xc3\x28 octets <r@example.org>",
];

Deno.test("hostile header fields are told as data", async () => {
  await using world = await makeWorld("empty");
  for (const header of headers) await world.deliver(`${header}\r\n\r\n${EVIL}\r\n`);
  await world.deliver(`${headers.join("\r\n")}\r\n\r\n${toBinary(encodeUtf8(EVIL))}\r\n`);
  const client = await world.login();
  await client.ok("SELECT INBOX");
  const count = headers.length + 1;
  for (const item of ["ENVELOPE", "BODY", "BODYSTRUCTURE", "PREVIEW", "(THREADID EMAILID)"]) {
    const responses = await client.ok(`FETCH 1:* ${item}`);
    assert.equal(responses.length, count, item);
    for (const [at, response] of responses.entries()) {
      assert.ok(response.startsWith(`* ${at + 1} FETCH (`), response);
      assert.ok(!response.includes("\0"), response);
      assert.ok(isBalanced(response), response);
    }
  }
  const all = Array.from({ length: count }, (_, at) => at + 1);
  const [sorted = ""] = await client.ok("SORT (SUBJECT FROM TO CC DISPLAYFROM) UTF-8 ALL");
  assert.deepEqual(
    sorted.slice("* SORT ".length).split(" ").map(Number).sort((a, b) => a - b),
    all,
  );
  for (const algorithm of ["REFERENCES", "REFS", "ORDEREDSUBJECT"]) {
    const [line = ""] = await client.ok(`THREAD ${algorithm} UTF-8 ALL`);
    assert.deepEqual(line.match(/\d+/g)?.map(Number).sort((a, b) => a - b), all, algorithm);
  }
});

Deno.test("hostile annotations are told as data", async () => {
  await using world = await makeWorld("empty");
  const client = await world.login();
  const values = [EVIL, '"', "\\", "{3}", "NIL", "", "]", "\r\n", "a\r\n* BYE\r\n"].map((text) =>
    toBinary(encodeUtf8(text))
  );
  for (const value of values) {
    await client.ok(`SETMETADATA INBOX (/private/comment ~{${value.length}+}\r\n${value})`);
    const [response = "", ...more] = await client.ok("GETMETADATA INBOX /private/comment");
    assert.deepEqual(more, []);
    assert.ok(response.startsWith('* METADATA "INBOX" (/private/comment '), response);
    assert.ok(response.includes(value.replace(/["\\]/g, "\\$&")) || response.includes(value));
    assert.ok(isBalanced(response), response);
  }
});

Deno.test("hostile names and identifiers are told as data", async () => {
  await using world = await makeWorld("empty", { sharing: SHARING });
  const client = await world.login();
  const name = 'x"]\\ {3}';
  const quoted = `"${name.replace(/["\\]/g, "\\$&")}"`;
  const literal = `{${name.length}+}\r\n${name}`;
  await client.ok(`CREATE ${literal}`);
  const told = [
    [`GETQUOTAROOT ${literal}`, `* QUOTAROOT ${quoted} ada@example.org`],
    [`MYRIGHTS ${literal}`, `* MYRIGHTS ${quoted} lrswipkxteacd`],
    [`GETACL ${literal}`, `* ACL ${quoted} ada@example.org lrswipkxteacd`],
    [`STATUS ${literal} (MESSAGES)`, `* STATUS ${quoted} (MESSAGES 0)`],
    [`LISTRIGHTS INBOX "anyone"`, '* LISTRIGHTS "INBOX" anyone "" l r s w i p k x t e a c d'],
  ] as const;
  for (const [command, expected] of told) {
    assert.equal((await client.ok(command))[0], expected, command);
  }
  // Refusals repeat nothing of what was sent.
  const refused = [
    `LISTRIGHTS INBOX {9+}\r\nx] \r\n* OK`,
    `SETACL INBOX {9+}\r\nx] \r\n* OK lr`,
    `SEARCH CHARSET {9+}\r\nx] \r\n* OK ALL`,
    `SORT (DATE) {9+}\r\nx] \r\n* OK ALL`,
    `SELECT {9+}\r\nx] \r\n* OK`,
    `GETQUOTA {9+}\r\nx] \r\n* OK`,
    `LOGIN {9+}\r\nx] \r\n* OK y`,
    `AUTHENTICATE X]`,
    `ENABLE X]`,
  ];
  await client.ok("SELECT INBOX");
  for (const command of refused) {
    for (const line of await client.command(command)) {
      assert.doesNotMatch(line, /x\]/i, command);
    }
  }
});

Deno.test("keywords that no client could read are left out, wherever they come from", async () => {
  await using world = await makeWorld("empty");
  const keywords = ["$Good", "x]", "a b", "a\r\n* OK", "\u00e4", "NIL", "(", "%", '"', "{3}", ""];
  await world.deliver("Subject: x\r\n\r\nx\r\n", { keywords: [...keywords, "y".repeat(101)] });
  const client = await world.login();
  const lines = await client.ok("SELECT INBOX");
  const [flags = ""] = lines;
  assert.match(flags, / \$Good\)$/);
  assert.deepEqual(await client.ok("FETCH 1 FLAGS"), ["* 1 FETCH (FLAGS ($Good \\Recent))"]);
});

Deno.test("names of the language's own are keywords, fields and entries like any other", async () => {
  await using world = await makeWorld("empty");
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];
  await world.deliver(`${names.map((name) => `${name}: v-${name}`).join("\r\n")}\r\n\r\nx\r\n`);
  await world.deliver("Subject: none of them\r\n\r\nx\r\n");
  const client = await world.login();
  await client.ok("SELECT INBOX");
  for (const name of names) {
    assert.deepEqual(await client.ok(`SEARCH KEYWORD ${name}`), ["* SEARCH"]);
    assert.deepEqual(await client.ok(`SEARCH HEADER ${name} ""`), ["* SEARCH 1"]);
    assert.deepEqual(await client.ok(`SEARCH HEADER ${name} v-`), ["* SEARCH 1"]);
    const field = `${name}: v-${name}\r\n\r\n`;
    const section = `BODY[HEADER.FIELDS (${name})]`;
    assert.deepEqual(await client.ok(`FETCH 1:2 BODY.PEEK[HEADER.FIELDS (${name})]`), [
      `* 1 FETCH (${section} {${field.length}}\r\n${field})`,
      `* 2 FETCH (${section} {2}\r\n\r\n)`,
    ]);
    await client.ok(`SETMETADATA INBOX (/private/${name} "${name}")`);
    assert.deepEqual(await client.ok(`GETMETADATA INBOX /private/${name}`), [
      `* METADATA "INBOX" (/private/${name.toLowerCase()} "${name}")`,
    ]);
    await client.ok(`ID ("${name}" "${name}")`);
    for (const command of [`FETCH 1 ${name}`, `SEARCH ${name}`, `STATUS INBOX (${name})`, name]) {
      assert.match((await client.command(command)).join(), /^BAD /, command);
    }
  }
  const told = (await client.ok(`STORE 2 FLAGS (${names.join(" ")})`)).at(-1) ?? "";
  for (const name of names) {
    assert.ok(told.includes(name), told);
    assert.deepEqual(await client.ok(`SEARCH KEYWORD ${name}`), ["* SEARCH 2"]);
    assert.deepEqual(await client.ok(`SEARCH UNKEYWORD ${name}`), ["* SEARCH 1"]);
  }
});

/** Quoted strings, literals and parentheses as RFC 3501 §9 has them: everything opened is closed. */
function isBalanced(response: string): boolean {
  let depth = 0;
  for (let at = 0; at < response.length; at++) {
    const rest = response.slice(at);
    const literal = /^~?\{(\d+)\}\r\n/.exec(rest);
    const quoted = /^"(?:[^"\\\r\n]|\\["\\])*"/.exec(rest);
    if (literal) at += literal[0].length + Number(literal[1]) - 1;
    else if (quoted) at += quoted[0].length - 1;
    else if (/^["\r\n\\{]/.test(rest) && !/^\\[A-Z]/.test(rest)) return false;
    else if (rest.startsWith("(")) depth++;
    else if (rest.startsWith(")")) depth--;
    if (depth < 0) return false;
  }
  return depth === 0;
}
