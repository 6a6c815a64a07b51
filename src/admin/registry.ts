import type { Command } from "./command.ts";
import { accountsCreate } from "./commands/accounts_create.ts";
import { accountsDelete, accountsRestore } from "./commands/accounts_delete.ts";
import { accountsList } from "./commands/accounts_list.ts";
import { accountsShow } from "./commands/accounts_show.ts";
import { accountsUpdate } from "./commands/accounts_update.ts";
import { aclGrant, aclList, aclRevoke } from "./commands/acl.ts";
import { cacheMetrics, cachePurge, cacheStats } from "./commands/cache.ts";
import { configCheck, configDump } from "./commands/config.ts";
import { exportMaildir } from "./commands/export_maildir.ts";
import { exportMbox } from "./commands/export_mbox.ts";
import { importImap } from "./commands/import_imap.ts";
import { importMaildir } from "./commands/import_maildir.ts";
import { importMbox } from "./commands/import_mbox.ts";
import { mailboxAt } from "./commands/mailbox_at.ts";
import { mailboxesShare } from "./commands/mailboxes_share.ts";
import { messagesListDeleted } from "./commands/messages_list_deleted.ts";
import { messagesRestore } from "./commands/messages_restore.ts";
import { migrateStatus, migrateUp } from "./commands/migrate.ts";
import { quotaSet, quotaShow } from "./commands/quota.ts";
import { searchReindex, searchStatus } from "./commands/search.ts";
import { storageRebuild } from "./commands/storage_rebuild.ts";
import { storageRekey } from "./commands/storage_rekey.ts";
import { uploaderFailed, uploaderRetry, uploaderStatus } from "./commands/uploader.ts";
import { storageVerification } from "./commands/verify_storage.ts";
import { version } from "./commands/version.ts";

/** Every command of sora-admin, in the order of the help: the only list. */
export const commands: readonly Command[] = [
  accountsCreate,
  accountsList,
  accountsShow,
  accountsUpdate,
  accountsDelete,
  accountsRestore,
  quotaShow,
  quotaSet,
  searchStatus,
  searchReindex,
  messagesListDeleted,
  messagesRestore,
  mailboxAt,
  mailboxesShare,
  aclList,
  aclGrant,
  aclRevoke,
  importMaildir,
  importMbox,
  importImap,
  exportMaildir,
  exportMbox,
  storageRekey,
  storageRebuild,
  storageVerification,
  uploaderStatus,
  uploaderFailed,
  uploaderRetry,
  cacheStats,
  cacheMetrics,
  cachePurge,
  migrateStatus,
  migrateUp,
  configCheck,
  configDump,
  version,
];
