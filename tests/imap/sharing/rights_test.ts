import assert from "node:assert/strict";
import { type ImapClient, makeWorld, SHARING, type World } from "../../support/imap.ts";

/*
 * RFC 4314 §4, command by command: with the rights that a command needs it works, and without any one
 * of them the answer is NOPERM.
 */
const ALL = "lrswipkxtea";
const BOX = "Shared/Box";
const BODY = "Subject: x\r\n\r\nx\r\n";

interface Case {
  readonly name: string;
  readonly needs: string;
  /** What Bob says; the last answer counts. `#` is a number that is never used twice. */
  readonly commands: readonly string[];
  /** Rights that Bob has in any case, to come so far. */
  readonly also?: string;
}

const cases: readonly Case[] = [
  { name: "SELECT", needs: "r", commands: [`SELECT ${BOX}`] },
  { name: "EXAMINE", needs: "r", commands: [`EXAMINE ${BOX}`] },
  { name: "STATUS", needs: "r", commands: [`STATUS ${BOX} (MESSAGES UNSEEN)`] },
  { name: "APPEND", needs: "i", commands: [`APPEND ${BOX} {${BODY.length}+}\r\n${BODY}`] },
  { name: "COPY", needs: "i", commands: ["SELECT INBOX", `COPY 1 ${BOX}`] },
  {
    name: "MOVE into it",
    needs: "i",
    commands: [
      `APPEND INBOX {${BODY.length}+}\r\n${BODY}`,
      "SELECT INBOX",
      `MOVE * ${BOX}`,
    ],
  },
  { name: "MOVE out of it", needs: "rte", commands: [`SELECT ${BOX}`, "MOVE 1 INBOX"] },
  { name: "CREATE", needs: "k", commands: [`CREATE ${BOX}/child#`] },
  { name: "DELETE", needs: "x", commands: [`DELETE ${BOX}/empty`] },
  { name: "RENAME", needs: "xk", commands: [`RENAME ${BOX}/empty ${BOX}/empty#`] },
  { name: "GETACL", needs: "a", commands: [`GETACL ${BOX}`] },
  { name: "LISTRIGHTS", needs: "a", commands: [`LISTRIGHTS ${BOX} ada@example.org`] },
  { name: "SETACL", needs: "a", commands: [`SETACL ${BOX} anyone l`] },
  { name: "DELETEACL", needs: "a", commands: [`DELETEACL ${BOX} anyone`] },
  { name: "EXPUNGE", needs: "e", also: "r", commands: [`SELECT ${BOX}`, "EXPUNGE"] },
  {
    name: "STORE \\Seen",
    needs: "s",
    also: "rw",
    commands: [`SELECT ${BOX}`, "STORE 1 +FLAGS (\\Seen)"],
  },
  {
    name: "STORE \\Deleted",
    needs: "t",
    also: "rw",
    commands: [`SELECT ${BOX}`, "STORE 1 +FLAGS (\\Deleted)"],
  },
  {
    name: "STORE of other flags",
    needs: "w",
    also: "rs",
    commands: [`SELECT ${BOX}`, "STORE 1 +FLAGS (\\Flagged)"],
  },
  {
    name: "STORE of a keyword",
    needs: "w",
    also: "rt",
    commands: [`SELECT ${BOX}`, "STORE 1 -FLAGS ($Label)"],
  },
  { name: "SUBSCRIBE", needs: "", commands: [`SUBSCRIBE ${BOX}`] },
];

for (const { name, needs, also = "", commands } of cases) {
  Deno.test(`${name} needs ${needs === "" ? "no right" : `"${needs}"`}`, async () => {
    await using world = await openBox();
    const ada = await world.login();
    const { id } = world.account;
    let count = 0;
    const tried = async (rights: string): Promise<string> => {
      const { mailboxes } = world.services;
      await mailboxes.create({ owner: id, domain: "example.org" }, "Box/empty").catch(() => {});
      for (const mailbox of [BOX, `${BOX}/empty`]) {
        await ada.ok(`SETACL ${mailbox} bob@example.org ${rights}`);
      }
      const bob = await world.login({ user: "bob@example.org" });
      let last = "";
      for (const command of commands) {
        last = (await bob.command(command.replaceAll("#", String(count++)))).at(-1) ?? "";
        if (!last.startsWith("OK")) break;
      }
      bob.close();
      return last;
    };
    assert.match(await tried(`l${needs}${also}`), /^OK /);
    for (const missing of needs) {
      assert.match(await tried(ALL.replace(missing, "")), /^NO \[(?:NOPERM|READ-ONLY)\]/, missing);
    }
  });
}

Deno.test("MYRIGHTS needs any of l, r, i, k, x and a", async () => {
  await using world = await openBox();
  const ada = await world.login();
  const bob = await world.login({ user: "bob@example.org" });
  for (const right of ALL) {
    await ada.ok(`SETACL ${BOX} bob@example.org ${right}`);
    const [answer] = await bob.command(`MYRIGHTS ${BOX}`);
    assert.match(answer ?? "", "lrikxa".includes(right) ? /^\* MYRIGHTS/ : /^NO \[NONEXISTENT\]/);
  }
});

Deno.test("LIST shows what has l, STATUS in it what has r; r alone is enough for SELECT", async () => {
  await using world = await openBox();
  const ada = await world.login();
  const bob = await world.login({ user: "bob@example.org" });
  await ada.ok(`SETACL ${BOX} bob@example.org l`);
  const listed = () => bob.ok('LIST "" Shared/* RETURN (STATUS (MESSAGES))');
  assert.deepEqual(await listed(), [`* LIST (\\HasNoChildren) "/" "${BOX}"`]);
  await ada.ok(`SETACL ${BOX} bob@example.org lr`);
  assert.deepEqual(await listed(), [
    `* LIST (\\HasNoChildren) "/" "${BOX}"`,
    `* STATUS "${BOX}" (MESSAGES 2)`,
  ]);
  await ada.ok(`SETACL ${BOX} bob@example.org r`);
  assert.deepEqual(await listed(), []);
  await bob.ok(`SELECT ${BOX}`);
});

Deno.test("flags that somebody may not set are left out of APPEND and COPY", async () => {
  await using world = await openBox();
  const ada = await world.login();
  const bob = await world.login({ user: "bob@example.org" });
  const flags = "(\\Seen \\Deleted \\Answered $Label)";
  await bob.literal(`APPEND INBOX ${flags}`, BODY);
  const kept: Readonly<Record<string, string>> = {
    lri: "",
    lris: "\\Seen",
    lrit: "\\Deleted",
    lriw: "\\Answered $Label",
    lriwst: "\\Answered \\Deleted \\Seen $Label",
  };
  for (const [rights, expected] of Object.entries(kept)) {
    await ada.ok(`SETACL ${BOX} bob@example.org ${rights}`);
    await bob.literal(`APPEND ${BOX} ${flags}`, BODY);
    await bob.ok("SELECT INBOX");
    await bob.ok(`COPY * ${BOX}`);
    await bob.ok(`EXAMINE ${BOX}`);
    for (const line of (await bob.ok("FETCH 1:* (FLAGS)")).slice(-2)) {
      const [, found = ""] = /FLAGS \((.*)\)\)/.exec(line) ?? [];
      const names = found.split(" ").filter((name) => name !== "\\Recent").sort();
      assert.deepEqual(names, expected.split(" ").sort(), `${rights}: ${line}`);
    }
  }
});

Deno.test("FETCH sets no \\Seen without s, and CLOSE expunges nothing without e", async () => {
  await using world = await openBox();
  const ada = await world.login();
  const bob = await world.login({ user: "bob@example.org" });
  await ada.ok(`SETACL ${BOX} bob@example.org lrt`);
  await bob.ok(`SELECT ${BOX}`);
  await bob.ok("STORE 1 +FLAGS (\\Deleted)");
  assert.ok(!(await bob.ok("FETCH 2 BODY[TEXT]")).some((line) => line.includes("\\Seen")));
  assert.ok(!(await bob.ok("FETCH 2 FLAGS")).some((line) => line.includes("\\Seen")));
  await bob.ok("CLOSE");
  assert.deepEqual(await bob.ok(`STATUS ${BOX} (MESSAGES)`), [`* STATUS "${BOX}" (MESSAGES 2)`]);
});

Deno.test("SELECT is READ-WRITE for who may change what others see", async () => {
  await using world = await openBox();
  const ada = await world.login();
  const bob = await world.login({ user: "bob@example.org" });
  for (const right of ALL) {
    await ada.ok(`SETACL ${BOX} bob@example.org r${right}`);
    const last = (await bob.command(`SELECT ${BOX}`)).at(-1) ?? "";
    assert.match(last, "iewt".includes(right) ? /READ-WRITE/ : /READ-ONLY/, right);
  }
});

Deno.test("anyone is everybody of the domain, and nobody of another one", async () => {
  await using world = await openBox();
  await world.addAccount("dan@example.net");
  const ada = await world.login();
  await ada.ok(`SETACL ${BOX} anyone lr`);
  await ada.ok("SETACL INBOX anyone lr");
  const bob = await world.login({ user: "bob@example.org" });
  await bob.ok(`SELECT ${BOX}`);
  await bob.ok("SELECT Users/ada@example.org/INBOX");
  const dan = await world.login({ user: "dan@example.net" });
  for (const name of [BOX, "Users/ada@example.org/INBOX"]) {
    assert.deepEqual(await dan.command(`SELECT ${name}`), ["NO [NONEXISTENT] No such mailbox"]);
  }
  assert.deepEqual(await dan.ok('LIST "" Shared/*'), []);
  assert.deepEqual(await ada.command("SETACL INBOX dan@example.net lr"), [
    "NO [NONEXISTENT] No such account",
  ]);
  // Each domain has a tree of its own.
  await dan.ok(`CREATE ${BOX}`);
  assert.deepEqual(await dan.ok(`STATUS ${BOX} (MESSAGES)`), [`* STATUS "${BOX}" (MESSAGES 0)`]);
});

Deno.test("rights of a user and of anyone add up", async () => {
  await using world = await openBox();
  const ada = await world.login();
  const bob = await world.login({ user: "bob@example.org" });
  await ada.ok(`SETACL ${BOX} anyone lr`);
  await ada.ok(`SETACL ${BOX} bob@example.org st`);
  assert.deepEqual(await bob.ok(`MYRIGHTS ${BOX}`), [`* MYRIGHTS "${BOX}" lrstd`]);
});

/** Ada's shared mailbox with two messages, and Bob with one in his INBOX. */
async function openBox(): Promise<World> {
  const world = await makeWorld("empty", { sharing: SHARING });
  await world.addAccount("bob@example.org");
  const ada: ImapClient = await world.login();
  await ada.ok(`CREATE ${BOX}`);
  for (let i = 0; i < 2; i++) await ada.literal(`APPEND ${BOX}`, BODY);
  ada.close();
  const bob = await world.login({ user: "bob@example.org" });
  await bob.literal("APPEND INBOX", BODY);
  bob.close();
  return world;
}
