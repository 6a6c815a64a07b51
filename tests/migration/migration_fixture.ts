import { join } from "node:path";
import type { Config } from "../../src/config/config.ts";
import { dumpToml } from "../../src/config/dump.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import type { Uid } from "../../src/lib/ids.ts";
import { NumberSet } from "../../src/lib/number_set.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { DiskBlobs } from "../../src/blobs/disk_blobs.ts";
import type { ObjectKey } from "../../src/blobs/blobs.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import { Database } from "../../src/store/database.ts";
import { MailboxStore } from "../../src/store/mailboxes.ts";
import { MessageStore } from "../../src/store/messages.ts";
import { Notices } from "../../src/store/notices.ts";
import { type Ran, run } from "../admin/played_terminal.ts";
import { testDatabase } from "../support/postgres.ts";

/** The account that everything is imported into. */
export const ADDRESS = "owner@example.com";

/** A message as a mailbox has it, for comparisons. */
export interface Kept {
  readonly uid: number;
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly date: string;
  readonly body: string;
}

/** A database, a data folder and a folder for files, with sora-admin to work on them. */
export interface MigrationFixture extends AsyncDisposable {
  readonly db: Database;
  readonly mailboxes: MailboxStore;
  readonly messages: MessageStore;
  readonly accounts: AccountStore;
  /** The configuration file. */
  readonly config: string;
  /** The data folder. */
  readonly data: string;
  /** For a test's own files. */
  readonly folder: string;
  /** Runs sora-admin; `words` are separated by spaces. */
  admin(words: string, ...more: readonly string[]): Promise<Ran>;
  /** Everything that a mailbox of ADDRESS, or of another account, has. */
  contents(mailbox: string, address?: string): Promise<Kept[]>;
}

/** Opens a fixture with one account; bodies are in an object store if one is given. */
export async function openMigration(
  { s3 = null }: { readonly s3?: Config["s3"] } = {},
): Promise<MigrationFixture> {
  const test = await testDatabase();
  const root = await Deno.makeTempDir({ prefix: "sora-migration-" });
  const folder = join(root, "files");
  const dataDir = join(root, "data");
  await Deno.mkdir(folder);
  await Deno.mkdir(dataDir);
  const file = join(root, "config.toml");
  const config = { ...embeddedConfig(dataDir), database: test.config, s3 };
  await Deno.writeTextFile(file, dumpToml(config, { secrets: true }));
  const db = await Database.open(test.config, { log: logger("test"), metrics: new Metrics() });
  const notices = new Notices(db, { workerId: "test" });
  const accounts = new AccountStore(db);
  const mailboxes = new MailboxStore(db, notices);
  const messages = new MessageStore(db, notices);
  const blobs = new DiskBlobs(join(dataDir, "bodies"));
  await accounts.create({ address: ADDRESS, passwordHash: "{X}" });
  return {
    db,
    mailboxes,
    messages,
    accounts,
    config: file,
    data: dataDir,
    folder,
    admin: (words, ...more) => run([...words.split(" "), ...more, "--config", file]),
    async contents(name, address = ADDRESS) {
      const mailbox = await mailboxes.find((await accounts.show(address)).id, name);
      const all = NumberSet.of([[1 as Uid, 4294967295 as Uid]]);
      const rows = await messages.rows(mailbox.id, all, {});
      return await Promise.all(rows.map(async (row) => ({
        uid: row.uid,
        flags: row.flags,
        keywords: [...row.keywords],
        date: row.internalDate.toISOString(),
        body: new TextDecoder().decode(await blobs.get(row.objectKey as ObjectKey) ?? undefined),
      })));
    },
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
      await Deno.remove(root, { recursive: true });
    },
  };
}
