import assert from "node:assert/strict";
import type { CapabilityConfig } from "../../src/imap/capability_config.ts";
import { capabilities, commands, find } from "../../src/imap/registry.ts";
import { inImap } from "../../src/imap/replies_refused.ts";

const plain: CapabilityConfig = {
  disabledCaps: [],
  additionalCaps: [],
  messageLimit: 0,
  appendLimitBytes: 1_000,
};

function shown(
  state: "greeted" | "authenticated",
  { loginAllowed = true, config = plain }: {
    readonly loginAllowed?: boolean;
    readonly config?: CapabilityConfig;
  } = {},
): string[] {
  return capabilities({ state, loginAllowed, compressed: false, config });
}

Deno.test("what is announced is what the table has", () => {
  // deno-fmt-ignore
  const both = [
    "ACL", "APPENDLIMIT=1000", "BINARY", "CATENATE", "CHILDREN", "COMPRESS=DEFLATE", "CONDSTORE",
    "CONTEXT=SEARCH", "CONTEXT=SORT",
    "CREATE-SPECIAL-USE", "ENABLE", "ESEARCH", "ESORT", "I18NLEVEL=1", "ID", "IDLE", "IMAP4rev1",
    "IMAP4rev2", "INPROGRESS", "LIST-EXTENDED", "LIST-METADATA", "LIST-MYRIGHTS", "LIST-STATUS",
    "METADATA", "MOVE", "MULTIAPPEND", "MULTISEARCH", "NAMESPACE", "NOTIFY", "OBJECTID",
    "PARTIAL", "PREVIEW", "QRESYNC", "QUOTA", "QUOTA=RES-MAILBOX", "QUOTA=RES-MESSAGE",
    "QUOTA=RES-STORAGE", "QUOTASET", "REPLACE", "RIGHTS=kxte", "SAVEDATE", "SEARCH=FUZZY",
    "SEARCHRES", "SORT", "SORT=DISPLAY", "SPECIAL-USE", "STATUS=SIZE", "THREAD=ORDEREDSUBJECT",
    "THREAD=REFERENCES", "THREAD=REFS", "UIDBATCHES", "UIDONLY", "UIDPLUS", "UNAUTHENTICATE",
    "UNSELECT", "UTF8=ACCEPT", "WITHIN",
  ];
  // deno-fmt-ignore
  const stranger = [...both, "AUTH=PLAIN", "LITERAL-", "SASL-IR"].sort();
  assert.deepEqual(shown("greeted").sort(), stranger);
  assert.deepEqual(shown("authenticated").sort(), [...both, "LITERAL+"].sort());
  assert.equal(shown("greeted")[0], "IMAP4rev1");
});

Deno.test("LOGINDISABLED replaces every way to send a password", () => {
  const names = shown("greeted", { loginAllowed: false });
  assert.ok(names.includes("LOGINDISABLED"));
  assert.ok(!names.some((name) => name.startsWith("AUTH=") || name === "SASL-IR"));
  assert.ok(!shown("authenticated", { loginAllowed: false }).includes("LOGINDISABLED"));
});

Deno.test("a disabled capability is neither announced nor served", () => {
  const config = {
    ...plain,
    disabledCaps: ["MOVE", "children"],
    additionalCaps: ["X-ICEWARP-SERVER"],
  };
  const names = shown("authenticated", { config });
  assert.ok(!names.includes("MOVE"));
  assert.ok(!names.includes("CHILDREN"));
  assert.ok(names.includes("X-ICEWARP-SERVER"));
  assert.equal(find("MOVE", config), undefined);
  assert.ok(find("LIST", config)); // a command of the base protocol stays
  assert.ok(find("move", plain));
});

Deno.test("command names are unique, and no name of Object.prototype is one", () => {
  assert.equal(new Set(commands.map(({ name }) => name)).size, commands.length);
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    assert.equal(find(name, plain), undefined);
  }
});

Deno.test("a missing mailbox is TRYCREATE only where creating it would help", () => {
  const tryCreate = commands.filter((command) => command.tryCreate).map(({ name }) => name);
  assert.deepEqual(tryCreate.sort(), ["APPEND", "COPY", "MOVE", "REPLACE"]);
  const missing = { kind: "no-such-mailbox", name: "x" } as const;
  assert.equal(inImap(missing, { tryCreate: true }).code, "TRYCREATE");
  assert.equal(inImap(missing).code, "NONEXISTENT");
  assert.equal(inImap({ kind: "over-quota" }, { tryCreate: true }).code, "OVERQUOTA");
});

Deno.test("only FETCH, STORE and what searches hold EXPUNGE responses back", () => {
  const quiet = commands.filter((command) => !command.expunges).map(({ name }) => name);
  assert.deepEqual(quiet.sort(), ["FETCH", "SEARCH", "SORT", "STORE", "THREAD"]); // RFC 3501 §7.4.1, RFC 5256 §3
});
