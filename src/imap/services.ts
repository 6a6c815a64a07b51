import type { AccessControl } from "../auth/access_control.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import type { MailboxAccess } from "../auth/mailbox_access.ts";
import type { Blobs } from "../blobs/blobs.ts";
import type { ImapServerConfig } from "../config/config.ts";
import type { CacheWarmer } from "../jobs/cache_warmer.ts";
import type { SearchRate } from "../limits/search_rate.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { AccountStore } from "../store/accounts.ts";
import type { MailboxStore } from "../store/mailboxes.ts";
import type { MessageTextStore } from "../store/message_texts.ts";
import type { MetadataStore } from "../store/metadata.ts";
import type { MessageStore } from "../store/messages.ts";
import type { QuotaStore } from "../store/quotas.ts";
import type { UidMaps } from "./view/uid_maps.ts";

/** Everything below IMAP that its commands use; one per worker and listener. */
export interface ImapServices {
  readonly accounts: AccountStore;
  /** For mailboxes by id, and for what belongs to the user alone. */
  readonly mailboxes: MailboxStore;
  /** For mailboxes by name: whoever they belong to, and what the user may do with them. */
  readonly access: MailboxAccess;
  readonly accessControl: AccessControl;
  readonly messages: MessageStore;
  /** Texts of messages, indexed. */
  readonly texts: Pick<MessageTextStore, "find">;
  readonly metadata: MetadataStore;
  readonly quotas: QuotaStore;
  /** Addresses of users who may change quotas. */
  readonly administrators: readonly string[];
  readonly blobs: Blobs;
  /** Folder for messages that are larger than fits in memory while they arrive. */
  readonly spoolDir: string;
  readonly authenticator: Authenticator;
  /** Told of whoever logs in; null or missing: nobody is. */
  readonly warmer?: Pick<CacheWarmer, "warm"> | null;
  readonly searchRate: SearchRate;
  readonly maps: UidMaps;
  readonly config: ImapServerConfig;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Aborted when the server shuts down: sessions finish the command they run and say BYE. */
  readonly draining: AbortSignal;
}
