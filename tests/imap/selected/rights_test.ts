import assert from "node:assert/strict";
import { MailboxAccess } from "../../../src/auth/mailbox_access.ts";
import type { Right } from "../../../src/auth/rights.ts";
import type { ImapServices } from "../../../src/imap/services.ts";
import { Refused } from "../../../src/lib/refused.ts";
import { type ImapClient, makeWorld, type World } from "../../support/imap.ts";

/** What a user may do with a mailbox, by its name; everything with all others. */
type Grants = Readonly<Record<string, string>>;

/** Takes rights away from the owner: RFC 4314 §4 as a guest meets it. */
function restrict(world: World, grants: Grants): void {
  const services = world.services as { -readonly [K in keyof ImapServices]: ImapServices[K] };
  const { access } = services;
  const find: MailboxAccess["find"] = async (user, name, needs = []) => {
    const mailbox = await access.find(user, name);
    const granted = grants[name];
    if (granted === undefined) return mailbox;
    const rights = new Set([...granted] as Right[]);
    if (needs.some((right) => !rights.has(right))) throw new Refused({ kind: "not-permitted" });
    return { ...mailbox, rights };
  };
  services.access = new Proxy(access, {
    get: (target, name) => name === "find" ? find : Reflect.get(target, name),
  });
}

async function open(grants: Grants): Promise<World & { readonly client: ImapClient }> {
  const world = await makeWorld("two-messages");
  restrict(world, grants);
  const client = await world.login();
  return { ...world, client, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

const last = async (client: ImapClient, command: string) => (await client.command(command)).at(-1);

Deno.test("SELECT tells what may be changed, as far as rights go", async () => {
  const all = "\\Answered \\Flagged \\Deleted \\Seen \\Draft";
  const cases = [
    ["lr", "READ-ONLY", /PERMANENTFLAGS \(\)/],
    ["lrs", "READ-ONLY", /PERMANENTFLAGS \(\\Seen\)/],
    ["lrt", "READ-WRITE", /PERMANENTFLAGS \(\\Deleted\)/],
    ["lri", "READ-WRITE", /PERMANENTFLAGS \(\)/],
    ["lre", "READ-WRITE", /PERMANENTFLAGS \(\)/],
    ["lrw", "READ-WRITE", /PERMANENTFLAGS \(\\Answered \\Flagged \\Draft \$\S.* \\\*\)/],
    ["lrswte", "READ-WRITE", new RegExp(`PERMANENTFLAGS \\(${RegExp.escape(all)} .*\\\\\\*\\)`)],
  ] as const;
  for (const [rights, code, permanent] of cases) {
    await using world = await open({ INBOX: rights });
    const lines = await world.client.command("SELECT INBOX");
    assert.equal(lines.at(-1), `OK [${code}] SELECT completed`, rights);
    assert.match(lines.join("\n"), permanent, rights);
  }
  await using world = await open({ INBOX: "l" });
  assert.match(await last(world.client, "SELECT INBOX") ?? "", /^NO \[NOPERM\]/);
});

Deno.test("STORE changes what may be changed, and is refused where that is nothing", async () => {
  await using world = await open({ INBOX: "lrs" });
  const { client } = world;
  await client.ok("SELECT INBOX");
  const flags = async (command: string) => (await client.ok(command))[0];
  assert.equal(
    await flags("STORE 2 +FLAGS (\\Seen \\Flagged x)"),
    "* 2 FETCH (FLAGS (\\Seen \\Recent))",
  );
  assert.equal(await flags("STORE 2 FLAGS (\\Flagged)"), "* 2 FETCH (FLAGS (\\Recent))");
  for (const refused of ["+FLAGS (\\Flagged)", "-FLAGS (\\Deleted)", "+FLAGS (keyword)"]) {
    assert.match(await last(client, `STORE 1 ${refused}`) ?? "", /^NO \[NOPERM\]/, refused);
  }
  await using other = await open({ INBOX: "lri" });
  await other.client.ok("SELECT INBOX");
  assert.match(await last(other.client, "STORE 1 FLAGS ()") ?? "", /^NO \[NOPERM\]/);
});

Deno.test("EXPUNGE and MOVE need their rights, CLOSE without them expunges nothing", async () => {
  await using world = await open({ INBOX: "lrtswi", Trash: "lr" });
  const { client } = world;
  await client.ok("SELECT INBOX");
  await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
  const refused = ["EXPUNGE", "UID EXPUNGE 1", "MOVE 1 Sent", "COPY 1 Trash", "MOVE 1 Trash"];
  for (const command of refused) {
    assert.match(await last(client, command) ?? "", /^NO \[NOPERM\]/, command);
  }
  await client.ok("CLOSE");
  assert.ok((await client.ok("SELECT INBOX")).includes("* 2 EXISTS"));
});

Deno.test("COPY and MOVE take along the flags that may be set in the target", async () => {
  await using world = await open({ Sent: "lri", Trash: "lrit", Drafts: "lriw" });
  const { client } = world;
  await client.ok("SELECT INBOX");
  await client.ok("STORE 1 FLAGS.SILENT (\\Seen \\Deleted \\Flagged x)");
  await client.ok("COPY 1 Sent");
  await client.ok("COPY 1 Drafts");
  await client.ok("MOVE 1 Trash");
  const flags = async (mailbox: string) => {
    await client.ok(`EXAMINE ${mailbox}`);
    return /FLAGS \(([^)]*)\)/.exec((await client.ok("FETCH 1 FLAGS")).join())?.[1];
  };
  assert.equal(await flags("Sent"), "\\Recent");
  assert.equal(await flags("Drafts"), "\\Flagged x \\Recent");
  assert.equal(await flags("Trash"), "\\Deleted \\Recent");
});
