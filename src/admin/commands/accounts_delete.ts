import { AccountStore } from "../../store/accounts.ts";
import type { Command } from "../command.ts";
import { withAccounts } from "../open_database.ts";
import { emailOf, emailOption } from "./account_view.ts";

/** Deletes an account so that it can be brought back. */
export const accountsDelete: Command = {
  name: "accounts delete",
  summary: "stop logins and deliveries; the mail stays and can be brought back",
  options: { email: emailOption },
  example: "sora-admin accounts delete --config config.toml --email user@example.com",
  async run(request) {
    const address = emailOf(request.options);
    await withAccounts(request, (database) => new AccountStore(database).delete(address));
    const text = `Deleted ${address}; sora-admin accounts restore brings it back\n`;
    return { text, json: { address, deleted: true } };
  },
};

/** Takes a deletion back. */
export const accountsRestore: Command = {
  name: "accounts restore",
  summary: "bring a deleted account back",
  options: { email: emailOption },
  example: "sora-admin accounts restore --config config.toml --email user@example.com",
  async run(request) {
    const address = emailOf(request.options);
    await withAccounts(request, (database) => new AccountStore(database).restore(address));
    return { text: `Restored ${address}\n`, json: { address, deleted: false } };
  },
};
