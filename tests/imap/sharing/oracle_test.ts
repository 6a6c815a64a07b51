import assert from "node:assert/strict";
import { commands } from "../../../src/imap/registry.ts";
import type { Account } from "../../../src/store/accounts.ts";
import { type ImapClient, makeWorld, SHARING, type World } from "../../support/imap.ts";

/*
 * RFC 4314 §6: whoever has no right to know of a mailbox gets the answers of one that does not exist,
 * whatever the command. Every command is either here with its mailbox names as `%`, or among those
 * that take none.
 */
const MESSAGE = "Subject: x\r\n\r\nx\r\n";
const LITERAL = `{${MESSAGE.length}+}\r\n${MESSAGE}`;
const naming: Readonly<Record<string, readonly string[]>> = {
  APPEND: [`APPEND % ${LITERAL}`, "APPEND % {10}", catenate("%")],
  COPY: ["COPY 1 %", "UID COPY 1 %", "COPY 1 %/below"],
  CREATE: ["CREATE %", "CREATE %/below", "CREATE %/", "CREATE % (USE (\\Sent))"],
  DELETE: ["DELETE %", "DELETE %/below"],
  DELETEACL: ["DELETEACL % anyone", "DELETEACL % bob@example.org", "DELETEACL % -x"],
  ESEARCH: [
    "ESEARCH IN (mailboxes %) ALL",
    "ESEARCH IN (subtree %) ALL",
    "ESEARCH IN (subtree-one (% INBOX)) ALL",
    "ESEARCH IN (personal) ALL",
    "ESEARCH IN (subscribed) ALL",
  ],
  EXAMINE: ["EXAMINE %"],
  GETACL: ["GETACL %"],
  GETMETADATA: ["GETMETADATA % /shared/comment", "GETMETADATA (DEPTH infinity) % /private"],
  GETQUOTAROOT: ["GETQUOTAROOT %"],
  LIST: [
    'LIST "" %',
    'LIST "" %/*',
    'LIST "" Shared/*',
    'LIST "" "Shared/%"',
    'LIST "" Users/*',
    'LIST "Users/" "%"',
    'LIST "" * RETURN (SUBSCRIBED STATUS (MESSAGES))',
    'LIST (SUBSCRIBED RECURSIVEMATCH) "" *',
  ],
  LISTRIGHTS: ["LISTRIGHTS % anyone", "LISTRIGHTS % ada@example.org"],
  LSUB: ['LSUB "" %', 'LSUB "" *'],
  MOVE: ["MOVE 1 %", "UID MOVE 1 %"],
  MYRIGHTS: ["MYRIGHTS %"],
  NOTIFY: [
    "NOTIFY SET (mailboxes % (MessageNew MessageExpunge FlagChange))",
    "NOTIFY SET STATUS (subtree % (MessageNew MessageExpunge))",
    "NOTIFY NONE",
  ],
  RENAME: ["RENAME % Shared/Other", "RENAME % Mine", "RENAME Drafts %", "RENAME Drafts %/below"],
  REPLACE: [`REPLACE 1 % ${LITERAL}`],
  SELECT: ["SELECT %", "SELECT % (CONDSTORE)"],
  SETACL: ["SETACL % bob@example.org +lr", "SETACL % nobody@example.org lr"],
  SETMETADATA: ['SETMETADATA % (/private/comment "x")', 'SETMETADATA % (/shared/comment "x")'],
  STATUS: ["STATUS % (MESSAGES)", "STATUS % (UNSEEN UIDNEXT)"],
  SUBSCRIBE: ["SUBSCRIBE %"],
  UNSUBSCRIBE: ["UNSUBSCRIBE %"],
};
const nameless = [
  ...["AUTHENTICATE", "CAPABILITY", "CHECK", "CLOSE", "COMPRESS", "ENABLE", "EXPUNGE", "FETCH"],
  ...["GETQUOTA", "ID", "IDLE", "LOGIN", "LOGOUT", "NAMESPACE", "NOOP", "SEARCH", "SETQUOTA"],
  ...["SORT", "STORE", "THREAD", "UIDBATCHES", "UNAUTHENTICATE", "UNSELECT", "CANCELUPDATE"],
];

Deno.test("every command that takes mailbox names is in the matrix", () => {
  const missing = commands.map(({ name }) => name)
    .filter((name) => !Object.hasOwn(naming, name) && !nameless.includes(name));
  assert.deepEqual(missing, []);
});

/** Both names are of one length, so that replies can be compared after exchanging them. */
const places: Readonly<Record<string, readonly [hidden: string, absent: string]>> = {
  "a domain's shared mailbox": ["Shared/Hidden", "Shared/Absent"],
  "another user's mailbox": ["Users/ada@example.org/Hidden", "Users/ada@example.org/Absent"],
  "another user's INBOX": ["Users/ada@example.org/INBOX", "Users/eve@example.org/INBOX"],
  "another domain's mailbox": ["Users/dan@example.net/INBOX", "Users/eve@example.net/INBOX"],
};

for (const [what, [hidden, absent]] of Object.entries(places)) {
  Deno.test(`${what} without rights is as absent as one that does not exist`, async () => {
    await using world = await makeWorld("two-messages", {
      sharing: { ...SHARING, allowUserCreate: false },
    });
    const { mailboxes } = world.services;
    const bob = await world.addAccount("bob@example.org");
    await world.addAccount("dan@example.net");
    const { id } = world.account;
    await mailboxes.create(id, "Hidden");
    await mailboxes.create({ owner: id, domain: "example.org" }, "Hidden");
    await mailboxes.create({ owner: id, domain: "example.org" }, "Hidden/below");
    await givenSome(await world.login());
    await world.deliver(MESSAGE, { mailbox: "Hidden" });
    for (const templates of Object.values(naming)) {
      for (const template of templates) {
        const seen = await answers({ world, bob }, template, hidden);
        const missing = await answers({ world, bob }, template, absent);
        const exchanged = missing.map((line) => line.replaceAll(absent, hidden));
        assert.deepEqual(seen, exchanged, template);
      }
    }
  });
}

/** WHY: rights without "l", and none of those that let somebody ask (RFC 4314 §4), show nothing. */
async function givenSome(ada: ImapClient): Promise<void> {
  for (const mailbox of ["Shared/Hidden", "Hidden", "INBOX"]) {
    await ada.ok(`SETACL ${mailbox} bob@example.org swte`);
  }
}

/** Of a fresh session with a selected mailbox, without what differs from time to time. */
async function answers(
  { world, bob: account }: { readonly world: World; readonly bob: Account },
  template: string,
  name: string,
): Promise<string[]> {
  const command = template.replaceAll("%", name);
  const bob = await world.login({ user: "bob@example.org" });
  await bob.ok(`SUBSCRIBE ${name}`);
  await bob.ok("SELECT Drafts");
  if (/^(?:UID )?(?:COPY|MOVE|REPLACE)/.test(command)) {
    await bob.ok("SELECT INBOX");
    await bob.literal("APPEND INBOX", MESSAGE);
    await bob.ok("NOOP");
  }
  await bob.writeLine(`t ${command}`);
  const lines: string[] = [];
  for (;;) {
    const line = await bob.readResponse();
    lines.push(line.replaceAll(/(?<=UIDVALIDITY |HIGHESTMODSEQ |UIDNEXT )\d+/g, "n"));
    if (line.startsWith("t ") || line.startsWith("+ ")) break;
  }
  bob.close();
  await world.services.mailboxes.unsubscribe(account.id, name);
  return lines;
}

function catenate(name: string): string {
  return `APPEND INBOX CATENATE (URL "/${name};UIDVALIDITY=1/;UID=1")`;
}
