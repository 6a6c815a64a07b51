import { AccountStore } from "../../store/accounts.ts";
import type { Command } from "../command.ts";
import { givesPassword, newPasswordHash, passwordOptions } from "../new_password.ts";
import { withAccounts } from "../open_database.ts";
import { accountJson, emailOf, emailOption } from "./account_view.ts";

/** Sets a new password, or makes an address the primary one. */
export const accountsUpdate: Command = {
  name: "accounts update",
  summary: "set a new password, or make an address the primary one",
  details: "Without any other option, the password is asked for, twice and without echo.",
  options: {
    email: emailOption,
    ...passwordOptions,
    "make-primary": { text: "make this address the primary one of its account" },
  },
  example: "sora-admin accounts update --config config.toml --email user@example.com",
  async run(request) {
    const address = emailOf(request.options);
    const makesPrimary = request.options.has("make-primary");
    const setsPassword = givesPassword(request) || !makesPrimary;
    const passwordHash = setsPassword ? await newPasswordHash(request) : null;
    const account = await withAccounts(request, async (database) => {
      const accounts = new AccountStore(database);
      if (passwordHash !== null) await accounts.setPassword(address, passwordHash);
      if (makesPrimary) await accounts.makePrimary(address);
      return await accounts.show(address);
    });
    return { text: `Updated ${address}\n`, json: accountJson(account) };
  },
};
