import type { Command } from "./command.ts";
import { accountsCreate } from "./commands/accounts_create.ts";
import { accountsDelete, accountsRestore } from "./commands/accounts_delete.ts";
import { accountsList } from "./commands/accounts_list.ts";
import { accountsShow } from "./commands/accounts_show.ts";
import { accountsUpdate } from "./commands/accounts_update.ts";
import { aclGrant, aclList, aclRevoke } from "./commands/acl.ts";
import { configCheck, configDump } from "./commands/config.ts";
import { mailboxesShare } from "./commands/mailboxes_share.ts";
import { migrateStatus, migrateUp } from "./commands/migrate.ts";
import { quotaSet, quotaShow } from "./commands/quota.ts";
import { searchReindex, searchStatus } from "./commands/search.ts";
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
  mailboxesShare,
  aclList,
  aclGrant,
  aclRevoke,
  migrateStatus,
  migrateUp,
  configCheck,
  configDump,
  version,
];
