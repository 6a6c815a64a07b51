import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { inconsistencies } from "../store/fixture.ts";
import { plainMessage } from "../support/mail.ts";
import { ADDRESS, type MigrationFixture, openMigration } from "./migration_fixture.ts";

const ADMIN = fileURLToPath(new URL("../../admin.ts", import.meta.url));
const MESSAGES = 3_000;
/** Shares of the messages that are there when the import is killed; the last run ends. */
const KILLED_AT = [0.05, 0.3, 0.31, 0.8];

async function writeMaildir(fixture: MigrationFixture): Promise<string> {
  const root = `${fixture.folder}/Maildir`;
  await Deno.mkdir(`${root}/cur`, { recursive: true });
  const list: string[] = [];
  for (let n = 1; n <= MESSAGES; n++) {
    const base = `${1_700_000_000 + n}.x`;
    await Deno.writeTextFile(`${root}/cur/${base}:2,S`, plainMessage(n).replaceAll("\r\n", "\n"));
    // A hole behind every tenth UID.
    list.push(`${n + Math.floor(n / 10)} :${base}\n`);
  }
  const text = `3 V1234 N${MESSAGES * 2}\n${list.join("")}`;
  await Deno.writeTextFile(`${root}/dovecot-uidlist`, text);
  return root;
}

async function stored(fixture: MigrationFixture): Promise<number> {
  const account = (await fixture.accounts.show(ADDRESS)).id;
  return (await fixture.mailboxes.find(account, "INBOX")).messages;
}

/** Runs an import in a process of its own and kills it once so many messages are there. */
async function killed(fixture: MigrationFixture, args: readonly string[], count: number) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ADMIN, ...args, "--config", fixture.config],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let isOver = false;
  const status = child.status.finally(() => isOver = true);
  while (!isOver && await stored(fixture) < count);
  if (!isOver) child.kill("SIGKILL");
  await status;
}

for (const how of [["--preserve-uids"], []]) {
  Deno.test(`import maildir${how.map((option) => ` ${option}`).join("")} after kill -9 loses and doubles nothing`, async () => {
    await using fixture = await openMigration();
    const root = await writeMaildir(fixture);
    const args = ["import", "maildir", "--email", ADDRESS, "--path", root, ...how];
    for (const share of KILLED_AT) await killed(fixture, args, Math.floor(MESSAGES * share));
    const before = await stored(fixture);
    assert.ok(before > 0);
    const { code, out } = await fixture.admin(`${args.join(" ")} --json`);
    assert.equal(code, 0, out);
    const { imported, there } = JSON.parse(out);
    assert.deepEqual([imported, there], [MESSAGES - before, before]);
    const contents = await fixture.contents("INBOX");
    assert.deepEqual(
      contents.map(({ body }) => body).sort(),
      Array.from({ length: MESSAGES }, (_, n) => plainMessage(n + 1)).sort(),
    );
    if (how.length > 0) {
      for (const { uid, body } of contents) {
        const n = Number(/Message-ID: <m(\d+)@/.exec(body)?.[1]);
        assert.equal(uid, n + Math.floor(n / 10));
      }
    }
    const account = (await fixture.accounts.show(ADDRESS)).id;
    const { id } = await fixture.mailboxes.find(account, "INBOX");
    assert.deepEqual(await inconsistencies(fixture.db, id), []);
  });
}
