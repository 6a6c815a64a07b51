import { join } from "node:path";
import { ADDRESS, type MigrationFixture, openMigration } from "../migration/migration_fixture.ts";
import { giveToDovecot, startDovecot } from "../support/dovecot.ts";
import { plainMessage } from "../support/mail.ts";
import type { Figure } from "./report.ts";

const MESSAGES = 20_000;
const SIZE_BYTES = 10_000;
const PASSWORD = "secret";
const OTHER = "other@example.com";

/** A Maildir of 20,000 messages of 10 kB in, again when all of it is there, out, and over IMAP. */
export async function importBench(): Promise<Figure[]> {
  await using fixture = await openMigration();
  await using dovecot = await startDovecot({ addresses: [ADDRESS], password: PASSWORD });
  await fixture.accounts.create({ address: OTHER, passwordHash: "{X}" });
  const maildir = await writeMaildir(fixture.folder);
  const out = dovecot ? join(dovecot.mail, ADDRESS) : join(fixture.folder, "out");
  const importing = `import maildir --email ${ADDRESS} --preserve-uids --json --path`;
  const figures: Figure[] = [
    {
      name: `import maildir, ${MESSAGES} messages of ${SIZE_BYTES} octets`,
      value: await rate(fixture, importing, maildir),
      unit: "messages/s",
      target: [">=", 400],
    },
    {
      name: "import maildir, all of it there",
      value: await rate(fixture, importing, maildir),
      unit: "messages/s",
      target: [">=", 4_000],
    },
    {
      name: "export maildir",
      value: await rate(fixture, `export maildir --email ${ADDRESS} --json --path`, out),
      unit: "messages/s",
      target: [">=", 400],
    },
    {
      name: "export mbox",
      value: await rate(
        fixture,
        `export mbox --email ${ADDRESS} --json --path`,
        join(fixture.folder, "mbox"),
      ),
      unit: "messages/s",
      target: [">=", 400],
    },
  ];
  if (!dovecot) return figures;
  await giveToDovecot(out);
  const imap = `import imap --email ${OTHER} --host 127.0.0.1 --tls off --user ${ADDRESS} ` +
    `--password ${PASSWORD} --json --port`;
  const value = await rate(fixture, imap, String(dovecot.imapPort));
  return [...figures, {
    name: `import imap from Dovecot ${dovecot.version}`,
    value,
    unit: "messages/s",
    target: [">=", 400],
  }];
}

async function writeMaildir(folder: string): Promise<string> {
  const maildir = join(folder, "Maildir");
  await Deno.mkdir(join(maildir, "cur"), { recursive: true });
  const files: string[] = [];
  for (let n = 1; n <= MESSAGES; n++) {
    const message = plainMessage(n, SIZE_BYTES);
    const text = message.replaceAll("\r\n", "\n");
    const base = `1700000000.M${n}.bench,S=${text.length},W=${message.length}`;
    await Deno.writeTextFile(join(maildir, "cur", `${base}:2,S`), text);
    files.push(`${n} :${base}\n`);
  }
  const list = `3 V1700000000 N${MESSAGES + 1}\n${files.join("")}`;
  await Deno.writeTextFile(join(maildir, "dovecot-uidlist"), list);
  return maildir;
}

/** Messages per second of one command. */
async function rate(fixture: MigrationFixture, words: string, last: string): Promise<number> {
  const began = performance.now();
  const { code, out, err } = await fixture.admin(words, last);
  if (code !== 0) throw new Error(`sora-admin ${words} failed: ${out}${err}`);
  return MESSAGES / ((performance.now() - began) / 1000);
}
