import { AccessControl } from "../auth/access_control.ts";
import { Authenticator } from "../auth/authenticator.ts";
import { MailboxAccess } from "../auth/mailbox_access.ts";
import type { Hasher } from "../auth/hasher.ts";
import type { Blobs } from "../blobs/blobs.ts";
import { DiskBlobs } from "../blobs/disk_blobs.ts";
import { S3Blobs } from "../blobs/s3_blobs.ts";
import { Delivery } from "../delivery/delivery.ts";
import { QuotaWarnings } from "../delivery/quota_warnings.ts";
import { UidMaps } from "../imap/view/uid_maps.ts";
import { TextIndexer } from "../jobs/text_indexer.ts";
import { logger } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import { AccountStore } from "../store/accounts.ts";
import { AclStore } from "../store/acls.ts";
import { Database } from "../store/database.ts";
import { MailboxStore } from "../store/mailboxes.ts";
import { MessageStore } from "../store/messages.ts";
import { MessageTextStore } from "../store/message_texts.ts";
import { MetadataStore } from "../store/metadata.ts";
import { Notices } from "../store/notices.ts";
import { QuotaStore } from "../store/quotas.ts";
import type { WorkerSettings } from "./worker_protocol.ts";

/** Everything that the sessions of one worker share, wired by hand. */
export interface WorkerServices extends AsyncDisposable {
  readonly accounts: AccountStore;
  readonly mailboxes: MailboxStore;
  readonly access: MailboxAccess;
  readonly accessControl: AccessControl;
  readonly messages: MessageStore;
  readonly texts: MessageTextStore;
  readonly metadata: MetadataStore;
  readonly quotas: QuotaStore;
  readonly administrators: readonly string[];
  readonly blobs: Blobs;
  readonly maps: UidMaps;
  readonly authenticator: Authenticator;
  readonly delivery: Delivery;
}

/** Opens them in order; disposing closes them in the opposite one. Throws `unavailable("database")`. */
export async function openServices(
  { config, folders, number }: WorkerSettings,
  { hasher, metrics }: { readonly hasher: Hasher; readonly metrics: Metrics },
): Promise<WorkerServices> {
  await using opened = new AsyncDisposableStack();
  const database = opened.use(
    await Database.open(config.database, { log: logger("store"), metrics }),
  );
  const notices = new Notices(database, { workerId: `${crypto.randomUUID()}-${number}` });
  opened.use(await notices.start());
  const accounts = new AccountStore(database);
  const mailboxes = new MailboxStore(database, notices);
  const acls = new AclStore(database, notices);
  const sharing = config.sharedMailboxes;
  const access = new MailboxAccess({ mailboxes, acls, sharing });
  const messages = new MessageStore(database, notices);
  const blobs = config.s3
    ? opened.use(await S3Blobs.open(config.s3))
    : new DiskBlobs(folders.bodies, { log: logger("blobs") });
  const maps = opened.use(new UidMaps({ messages, mailboxes, notices, log: logger("imap") }));
  const authenticator = new Authenticator({
    accounts,
    hasher,
    log: logger("auth"),
    metrics,
    bcryptCost: config.bcryptCost,
  });
  const delivery = new Delivery({ messages, blobs, log: logger("delivery") });
  const quotas = new QuotaStore(database);
  const texts = new MessageTextStore(database);
  // WHY: one of the workers is enough, and SKIP LOCKED keeps other nodes apart.
  if (number === 1) {
    const { spool: spoolDir } = folders;
    const { warnAt } = config.quota;
    opened.use(
      new QuotaWarnings({ quotas, accounts, delivery, spoolDir, warnAt, log: logger("quota") }),
    );
  }
  if (number === 1 && config.search.index) {
    opened.use(new TextIndexer({ texts, blobs, notices, log: logger("search"), metrics }));
  }
  const closing = opened.move();
  return {
    accounts,
    mailboxes,
    access,
    accessControl: new AccessControl({ access, acls, accounts, sharing }),
    messages,
    texts,
    metadata: new MetadataStore(database, config.metadata),
    quotas,
    administrators: config.quota.administrators,
    blobs,
    maps,
    authenticator,
    delivery,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
