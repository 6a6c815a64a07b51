import { AccountStore } from "../../store/accounts.ts";
import type { Command } from "../command.ts";
import { withAccounts } from "../open_database.ts";
import { facts, moment } from "../table.ts";
import { accountJson, emailOf, emailOption, schemeOf } from "./account_view.ts";

/** Shows one account, deleted or not. */
export const accountsShow: Command = {
  name: "accounts show",
  summary: "show one account, deleted or not",
  options: { email: emailOption },
  example: "sora-admin accounts show --config config.toml --email user@example.com --json",
  async run(request) {
    const address = emailOf(request.options);
    const account = await withAccounts(
      request,
      (database) => new AccountStore(database).show(address),
    );
    const text = facts([
      ["Address", account.address],
      ["Created", moment(account.createdAt)],
      ["Deleted", account.deletedAt ? moment(account.deletedAt) : "no"],
      ...account.credentials.map(({ address, passwordHash, updatedAt }) =>
        ["Login", `${address} (${schemeOf(passwordHash)}, set ${moment(updatedAt)})`] as const
      ),
    ]);
    return { text, json: accountJson(account) };
  },
};
