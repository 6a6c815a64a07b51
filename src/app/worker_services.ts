import { AccessControl } from "../auth/access_control.ts";
import { Authenticator } from "../auth/authenticator.ts";
import { MailboxAccess } from "../auth/mailbox_access.ts";
import type { Hasher } from "../auth/hasher.ts";
import type { Blobs } from "../blobs/blobs.ts";
import { Delivery } from "../delivery/delivery.ts";
import { QuotaWarnings } from "../delivery/quota_warnings.ts";
import { UidMaps } from "../imap/view/uid_maps.ts";
import { CacheWarmer } from "../jobs/cache_warmer.ts";
import { Cleaner } from "../jobs/cleaner.ts";
import { Scrubber } from "../jobs/scrubber.ts";
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
import { OrphanSweepStore } from "../store/orphan_sweeps.ts";
import { PurgeStore } from "../store/purge.ts";
import { AccountPurge } from "../store/purge_accounts.ts";
import { MailboxPurge } from "../store/purge_mailboxes.ts";
import { QuotaStore } from "../store/quotas.ts";
import { RetentionStore } from "../store/retention.ts";
import { ScrubStore } from "../store/scrubs.ts";
import { type OpenBlobs, openBlobs } from "./open_blobs.ts";
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
  readonly warmer: CacheWarmer | null;
}

/** Opens them in order; disposing closes them in the opposite one. Throws `unavailable("database")`. */
export async function openServices(
  settings: WorkerSettings,
  { hasher, metrics }: { readonly hasher: Hasher; readonly metrics: Metrics },
): Promise<WorkerServices> {
  const { config, folders, number } = settings;
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
  const { blobs, staged } = opened.use(await openBlobs(settings, { database, metrics }));
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
  // WHY: a cache or a staging folder would hide what is behind it.
  const permanent = staged?.remote ?? blobs;
  if (number === 1) {
    opened.use(
      new Cleaner({
        database,
        sweeps: new OrphanSweepStore(database),
        permanent,
        hold: (key) => database.hold(key),
        purge: new PurgeStore(database),
        mailboxes: new MailboxPurge(database),
        accounts: new AccountPurge(database),
        retention: new RetentionStore(database, notices),
        blobs,
        isRecorded: staged !== null,
        config: config.cleanup,
        log: logger("cleaner"),
        metrics,
      }),
    );
  }
  if (number === 1 && config.scrub.enabled) {
    const scrubs = new ScrubStore(database);
    const { scrub } = config;
    opened.use(
      new Scrubber({ scrubs, blobs: permanent, ...scrub, log: logger("scrub"), metrics }),
    );
  }
  const warmer = openWarmer(settings, { mailboxes, messages, staged });
  if (warmer) opened.use(warmer);
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
    warmer,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** null where there is no cache, or nobody wants it warm. */
function openWarmer(
  { config: { localCache: config } }: WorkerSettings,
  { staged, ...stores }: Pick<WorkerServices, "mailboxes" | "messages"> & Pick<OpenBlobs, "staged">,
): CacheWarmer | null {
  if (!staged?.cache || !config.enableWarmup) return null;
  const { blobs, cache } = staged;
  return new CacheWarmer({ config, ...stores, blobs, cache, log: logger("cache") });
}
