import type { Command } from "./command.ts";
import { accountsCreate } from "./commands/accounts_create.ts";
import { accountsDelete, accountsRestore } from "./commands/accounts_delete.ts";
import { accountsList } from "./commands/accounts_list.ts";
import { accountsShow } from "./commands/accounts_show.ts";
import { accountsUpdate } from "./commands/accounts_update.ts";
import { configCheck, configDump } from "./commands/config.ts";
import { migrateStatus, migrateUp } from "./commands/migrate.ts";
import { quotaSet, quotaShow } from "./commands/quota.ts";
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
  migrateStatus,
  migrateUp,
  configCheck,
  configDump,
  version,
];
