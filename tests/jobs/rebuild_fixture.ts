import { createHash } from "node:crypto";
import { type Blobs, objectKey } from "../../src/blobs/blobs.ts";
import { MemorySpooled } from "../../src/blobs/spooled.ts";
import { type ManifestWriterOptions, writeManifests } from "../../src/jobs/manifest_writer.ts";
import { rebuild } from "../../src/jobs/rebuild/rebuild.ts";
import type { RebuildReport } from "../../src/jobs/rebuild/rebuild_report.ts";
import type { RebuildServices } from "../../src/jobs/rebuild/rebuild_services.ts";
import { fromBinary } from "../../src/lib/bytes.ts";
import type { AccountId, Hash } from "../../src/lib/ids.ts";
import { messageFacts } from "../../src/message/facts.ts";
import { parseMessage } from "../../src/message/parser.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { AccountManifestStore } from "../../src/store/account_manifests.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import { AclStore } from "../../src/store/acls.ts";
import { type Database, sql } from "../../src/store/database.ts";
import { ImportStore } from "../../src/store/import_messages.ts";
import { type Mailbox, MailboxStore } from "../../src/store/mailboxes.ts";
import { ManifestStore } from "../../src/store/manifests.ts";
import { Notices } from "../../src/store/notices.ts";
import { QuotaStore } from "../../src/store/quotas.ts";
import { RebuildStore } from "../../src/store/rebuilds.ts";
import { type Fixture, openFixture } from "../store/fixture.ts";

/** A store, and the same blobs for everybody. */
export interface Server {
  readonly it: Fixture;
  readonly writer: ManifestWriterOptions;
  readonly manifests: ManifestStore;
  readonly accountManifests: AccountManifestStore;
}

/** `interval` 0: everything is due always. */
export function serverOn(
  it: Fixture,
  blobs: Blobs,
  options: Partial<ManifestWriterOptions> = {},
): Server {
  const manifests = new ManifestStore(it.db);
  const accountManifests = new AccountManifestStore(it.db);
  const writer: ManifestWriterOptions = {
    manifests,
    accounts: accountManifests,
    blobs,
    spoolDir: "/nowhere",
    intervalMs: 0,
    isEncrypted: false,
    log: logger("test"),
    metrics: new Metrics(),
    ...options,
  };
  return { it, writer, manifests, accountManifests };
}

/** One look of the job. */
export async function write({ writer }: Server): Promise<void> {
  await writeManifests(writer, new AbortController().signal);
}

/** A fixture without any account. */
export async function openEmpty(): Promise<Fixture> {
  const it = await openFixture();
  await it.db.write(sql`TRUNCATE accounts CASCADE`);
  return it;
}

export function textOf(n: number): string {
  return `From: Ann <ann@example.net>\r\nSubject: Number ${n}\r\nMessage-ID: <m${n}@example.net>\r\n` +
    `Date: Fri, 2 Jan 2026 03:04:05 +0000\r\n\r\nThis is message ${n}.\r\n`;
}

/** Delivers message number `n`; its object says of itself where it is, when `described`. */
export async function deliver(
  { it, manifests, writer: { blobs } }: Server,
  mailbox: Mailbox,
  n: number,
  { flags = 0, keywords = [], described = true, owner = "owner@example.com" }: {
    readonly flags?: number;
    readonly keywords?: readonly string[];
    readonly described?: boolean;
    readonly owner?: string;
  } = {},
): Promise<Hash> {
  const bytes = fromBinary(textOf(n));
  const hash = createHash("sha256").update(bytes).digest("hex") as Hash;
  const key = objectKey(owner, hash);
  await it.messages.append({
    mailbox: mailbox.id,
    accountId: mailbox.accountId,
    hash,
    objectKey: key,
    facts: messageFacts(parseMessage(bytes)),
    internalDate: new Date(Date.UTC(2026, 0, 1) + n * 1000),
    flags,
    keywords,
    deliveryKey: null,
  });
  const body = new MemorySpooled({ bytes, prefixBytes: 0, hash, receivedHash: hash });
  const metadata = described ? await manifests.describe(key) : {};
  await blobs.put(key, body, { metadata });
  return hash;
}

export function servicesOn(
  db: Database,
  blobs: Blobs,
  options: Partial<RebuildServices> = {},
): Omit<RebuildServices, "problem"> {
  const notices = new Notices(db, { workerId: "rebuild" });
  return {
    accounts: new AccountStore(db),
    mailboxes: new MailboxStore(db, notices),
    imports: new ImportStore(db, notices),
    rebuilds: new RebuildStore(db),
    quotas: new QuotaStore(db),
    acls: new AclStore(db, notices),
    blobs,
    jobs: 4,
    dryRun: false,
    withExpunged: false,
    progress: () => {},
    ...options,
  };
}

/** Rebuilds everything; what ends it early is thrown. */
export async function rebuilt(
  it: Fixture,
  blobs: Blobs,
  options: Partial<RebuildServices> = {},
  address: string | null = null,
): Promise<RebuildReport> {
  const report = await rebuild(servicesOn(it.db, blobs, options), { address });
  if (report.ended !== undefined) throw report.ended;
  return report;
}

/** Everything of an account that a rebuild restores, row by row, as text. */
export async function contentOf(db: Database, account: AccountId): Promise<string[]> {
  const rows = await db.query<{ line: string }>(sql`
    SELECT concat_ws(' | ', box.name, box.domain, box.uid_validity, box.special_use, box.uid_next,
      box.keywords, box.messages, box.unseen, box.size_bytes, state.uid, state.flags, state.keywords,
      message.internal_date, date_trunc('milliseconds', message.saved_at), message.size_bytes, encode(message.hash, 'hex'),
      message.object_key, message.envelope, message.body_structure, message.structure,
      message.subject, message.sort_keys, message.message_id, encode(message.header, 'hex')) AS line
    FROM mailboxes AS box LEFT JOIN message_state AS state ON state.mailbox_id = box.id
    LEFT JOIN messages AS message ON message.mailbox_id = box.id AND message.uid = state.uid
    WHERE box.account_id = ${account} AND box.deleted_at IS NULL ORDER BY box.name, state.uid`);
  const others = await db.query<{ line: string }>(sql`
    SELECT concat_ws(' | ', 'address', address, is_primary) AS line FROM credentials
      WHERE account_id = ${account}
    UNION ALL SELECT concat_ws(' | ', 'subscription', name) FROM subscriptions WHERE account_id = ${account}
    UNION ALL SELECT concat_ws(' | ', 'quota', storage_used, messages_used, storage_limit, messages_limit,
      mailboxes_limit) FROM quotas WHERE account_id = ${account}
    UNION ALL SELECT concat_ws(' | ', 'created', date_trunc('milliseconds', created_at)) FROM accounts WHERE id = ${account}
    UNION ALL SELECT concat_ws(' | ', 'rights', box.name, address, acl.domain, rights)
      FROM mailboxes AS box JOIN mailbox_acls AS acl ON acl.mailbox_id = box.id
      LEFT JOIN credentials ON credentials.account_id = acl.account_id AND is_primary
      WHERE box.account_id = ${account} AND deleted_at IS NULL
    ORDER BY 1`);
  return [...rows, ...others].map(({ line }) => line);
}

/** The id of an account. */
export async function accountId(it: Fixture, address = "owner@example.com"): Promise<AccountId> {
  return (await it.accounts.show(address)).id;
}
