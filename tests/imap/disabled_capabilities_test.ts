import assert from "node:assert/strict";
import { type ImapClient, makeWorld } from "../support/imap.ts";

/*
 * What is announced works, what is not announced is refused: each capability is taken away alone, and
 * then every one is tried.
 */
interface Probe {
  readonly command: string;
  /** What an answer looks like where it works; default OK. */
  readonly works?: RegExp;
}

const message = (n: number) => `{6+}\r\nx: ${n}\r\n`;

/** In a selected mailbox with two messages; nothing here makes another probe fail. */
const probes: Readonly<Record<string, Probe>> = {
  "ACL": { command: "GETACL INBOX" },
  "BINARY": { command: "FETCH 1 BINARY.PEEK[1]" },
  "CATENATE": { command: 'APPEND Drafts CATENATE (URL "/INBOX/;UID=1")' },
  "CONDSTORE": { command: "FETCH 1 MODSEQ" },
  "CONTEXT=SEARCH": { command: "SEARCH RETURN (CONTEXT COUNT) ALL" },
  "CONTEXT=SORT": { command: "SORT RETURN (CONTEXT COUNT) (DATE) UTF-8 ALL" },
  "CREATE-SPECIAL-USE": { command: "CREATE x (USE (\\Sent))", works: /^NO \[USEATTR\]/m },
  "ESEARCH": { command: "SEARCH RETURN (MIN) ALL" },
  "ESORT": { command: "SORT RETURN (MIN) (DATE) UTF-8 ALL" },
  "ID": { command: "ID NIL" },
  "LIST-EXTENDED": { command: 'LIST (SUBSCRIBED) "" *' },
  "LIST-METADATA": { command: 'LIST "" INBOX RETURN (METADATA (/private/comment))' },
  "LIST-MYRIGHTS": { command: 'LIST "" INBOX RETURN (MYRIGHTS)' },
  "LIST-STATUS": { command: 'LIST "" INBOX RETURN (STATUS (MESSAGES))' },
  "METADATA": { command: "GETMETADATA INBOX /private/comment" },
  "MOVE": { command: "UID MOVE 99 Trash" },
  "MULTIAPPEND": { command: `APPEND Drafts ${message(1)} ${message(2)}` },
  "MULTISEARCH": { command: "ESEARCH IN (personal) ALL" },
  "NAMESPACE": { command: "NAMESPACE" },
  "NOTIFY": { command: "NOTIFY NONE" },
  "OBJECTID": { command: "FETCH 1 EMAILID" },
  "PARTIAL": { command: "UID SEARCH RETURN (PARTIAL -1:-1) ALL" },
  "PREVIEW": { command: "FETCH 1 PREVIEW" },
  "QUOTA": { command: "GETQUOTAROOT INBOX" },
  "QUOTASET": { command: "SETQUOTA ada@example.org ()", works: /^NO \[NOPERM\]/m },
  "REPLACE": { command: `UID REPLACE 99 INBOX ${message(3)}`, works: /^NO \[EXPUNGEISSUED\]/m },
  "SAVEDATE": { command: "FETCH 1 SAVEDATE" },
  "SEARCH=FUZZY": { command: "SEARCH FUZZY SUBJECT first" },
  "SEARCHRES": { command: "SEARCH RETURN (SAVE) ALL" },
  "SORT": { command: "SORT (DATE) UTF-8 ALL" },
  "SORT=DISPLAY": { command: "SORT (DISPLAYFROM) UTF-8 ALL" },
  "SPECIAL-USE": { command: 'LIST (SPECIAL-USE) "" *' },
  "STATUS=SIZE": { command: "STATUS INBOX (SIZE)" },
  "THREAD=ORDEREDSUBJECT": { command: "THREAD ORDEREDSUBJECT UTF-8 ALL" },
  "THREAD=REFERENCES": { command: "THREAD REFERENCES UTF-8 ALL" },
  "THREAD=REFS": { command: "THREAD REFS UTF-8 ALL" },
  "UIDBATCHES": { command: "UIDBATCHES 500" },
  "UIDPLUS": { command: "UID EXPUNGE 99" },
  "WITHIN": { command: "SEARCH OLDER 1" },
  "ENABLE": { command: "ENABLE X-NONE" },
  "UTF8=ACCEPT": { command: "ENABLE UTF8=ACCEPT", works: /^\* ENABLED UTF8=ACCEPT$/m },
  "QRESYNC": { command: "ENABLE QRESYNC", works: /^\* ENABLED QRESYNC$/m },
  "UIDONLY": { command: "ENABLE UIDONLY", works: /^\* ENABLED UIDONLY$/m },
  "IMAP4rev2": { command: "ENABLE IMAP4rev2", works: /^\* ENABLED IMAP4rev2$/m },
  "UNSELECT": { command: "UNSELECT" },
  "UNAUTHENTICATE": { command: "UNAUTHENTICATE" },
};

Deno.test("each capability can be taken away, and the others stay true", async () => {
  const disabledCaps: string[] = [];
  await using world = await makeWorld("two-messages", { config: { disabledCaps } });
  for (const disabled of ["X-NONE", ...Object.keys(probes), "LITERAL-"]) {
    disabledCaps.splice(0, 1, disabled);
    const client = await world.login();
    await client.ok("SELECT INBOX");
    const [line = ""] = await client.ok("CAPABILITY");
    const announced = new Set(line.split(" "));
    assert.ok(!announced.has(disabled), disabled);
    for (const [name, { command, works = /^OK/m }] of Object.entries(probes)) {
      const answer = (await client.command(command)).join("\n");
      const expected = announced.has(name);
      assert.equal(works.test(answer), expected, `without ${disabled}, ${name}: ${answer}`);
    }
    client.close();
  }
});

/** RFC 9051 appendix E: what IMAP4rev2 consists of. */
const PARTS = [
  "NAMESPACE",
  "UNSELECT",
  "UIDPLUS",
  "ESEARCH",
  "SEARCHRES",
  "ENABLE",
  "IDLE",
  "SASL-IR",
  "LIST-EXTENDED",
  "LIST-STATUS",
  "MOVE",
  "LITERAL-",
  "STATUS=SIZE",
  "SPECIAL-USE",
];

Deno.test("IMAP4rev2 is not announced without any one of its parts", async () => {
  const disabledCaps: string[] = [];
  await using world = await makeWorld("empty", { config: { disabledCaps } });
  for (const disabled of PARTS) {
    disabledCaps.splice(0, 1, disabled.toLowerCase());
    const client = await world.connect();
    assert.doesNotMatch(client.greeting, /IMAP4rev2/, disabled);
    await client.ok("LOGIN ada@example.org secret");
    assert.doesNotMatch((await client.ok("CAPABILITY")).join(), /IMAP4rev2/, disabled);
    client.close();
  }
});

Deno.test("a client without IDLE, CONDSTORE and ESEARCH hears nothing of them", async () => {
  const config = { disabledCaps: ["IDLE", "CONDSTORE", "ESEARCH"] };
  await using world = await makeWorld("two-messages", { config });
  const client = await world.login();
  const [line = ""] = await client.ok("CAPABILITY");
  for (const gone of ["IDLE", "CONDSTORE", "QRESYNC", "ESEARCH", "SEARCHRES", "IMAP4rev2"]) {
    assert.ok(!line.split(" ").includes(gone), gone);
  }
  assert.ok(!(await client.ok("SELECT INBOX")).join().includes("MODSEQ"));
  const refused = [
    "SELECT INBOX (CONDSTORE)",
    "STATUS INBOX (HIGHESTMODSEQ)",
    "FETCH 1 (FLAGS) (CHANGEDSINCE 1)",
    "STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)",
    "SEARCH MODSEQ 1",
    "SEARCH RETURN () ALL",
    "IDLE",
  ];
  for (const command of refused) {
    await client.ok("SELECT INBOX");
    assert.match((await client.command(command)).at(-1) ?? "", /^BAD /, command);
  }
  await client.ok("SELECT INBOX");
  const answers = [
    ...await client.ok("STORE 1 +FLAGS (\\Flagged)"),
    ...await client.ok("FETCH 1:2 (FLAGS)"),
    ...await client.ok("SEARCH ALL"),
  ];
  assert.doesNotMatch(answers.join("\n"), /MODSEQ|ESEARCH/);
});

Deno.test("IDLE and COMPRESS=DEFLATE that are taken away are refused", async () => {
  const config = { disabledCaps: ["IDLE", "COMPRESS=DEFLATE"] };
  await using world = await makeWorld("empty", { config });
  const client: ImapClient = await world.login();
  for (const command of ["IDLE", "COMPRESS DEFLATE"]) {
    assert.deepEqual(await client.command(command), ["BAD Unknown command"]);
  }
});
