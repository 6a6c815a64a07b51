import assert from "node:assert/strict";
import { LocalHasher } from "../../src/auth/local_hasher.ts";
import { encodeUtf8, toBinary } from "../../src/lib/bytes.ts";
import { makeWorld, USER } from "../support/imap.ts";

const passwords = [
  'a"b\\c',
  "{5}",
  "x) OK (",
  "%s*&+=?",
  "sp ace ",
  "grün 🔑",
  "NIL",
  "]",
  "'",
  "$1",
];

Deno.test("any password logs in: quoted, as a literal of both kinds, and by PLAIN", async () => {
  await using world = await makeWorld("empty");
  const hasher = new LocalHasher({ scheme: "sha512", cost: 4 });
  for (const password of passwords) {
    await world.services.accounts.setPassword(USER, await hasher.hash(password));
    const octets = toBinary(encodeUtf8(password));
    const plain = encodeUtf8(`\0${USER}\0${password}`).toBase64();
    const commands = [
      `LOGIN ${USER} {${octets.length}+}\r\n${octets}`,
      `LOGIN {${USER.length}+}\r\n${USER} {${octets.length}+}\r\n${octets}`,
      `LOGIN "${USER}" "${octets.replace(/["\\]/g, "\\$&")}"`,
      `AUTHENTICATE PLAIN ${plain}`,
    ];
    for (const command of commands) {
      const client = await world.connect();
      assert.match((await client.command(command)).at(-1) ?? "", /^OK /, command);
      client.close();
    }
    const client = await world.connect();
    await client.writeLine(`l1 LOGIN {${USER.length}}`);
    assert.equal(await client.readLine(), "+ OK");
    await client.writeLine(`${USER} {${octets.length}}`);
    assert.equal(await client.readLine(), "+ OK");
    await client.writeLine(octets);
    assert.match((await client.until("l1")).at(-1) ?? "", /^OK /, password);
    client.close();
  }
});

Deno.test("an empty password is wrong like any other", async () => {
  await using world = await makeWorld("empty");
  const commands = [
    `LOGIN ${USER} ""`,
    `LOGIN ${USER} {0+}\r\n`,
    `AUTHENTICATE PLAIN ${btoa(`\0${USER}\0`)}`,
    `LOGIN "" ""`,
  ];
  const client = await world.connect();
  for (const command of commands) {
    assert.deepEqual(await client.command(command), [
      "NO [AUTHENTICATIONFAILED] Authentication failed",
    ], command);
  }
});
