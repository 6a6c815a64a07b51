import type { QuotaConfig } from "../../config/config.ts";
import { exitCodes } from "../../app/exit_codes.ts";
import { Refused } from "../../lib/refused.ts";
import { AccountStore } from "../../store/accounts.ts";
import type { Command } from "../command.ts";
import { Failure } from "../failure.ts";
import { newPasswordHash, passwordOptions } from "../new_password.ts";
import { withAccounts } from "../open_database.ts";
import { accountJson, emailOf, emailOption } from "./account_view.ts";

/** Makes an account with its default mailboxes. */
export const accountsCreate: Command = {
  name: "accounts create",
  summary: "make an account with its default mailboxes",
  details: "Without a password option, the password is asked for, twice and without echo.",
  options: { email: emailOption, ...passwordOptions },
  example: "sora-admin accounts create --config config.toml --email user@example.com",
  async run(request) {
    const address = emailOf(request.options);
    const passwordHash = await newPasswordHash(request);
    const account = await withAccounts(request, async (database, { config }) => {
      const accounts = new AccountStore(database);
      try {
        return await accounts.create({ address, passwordHash, quota: defaultsOf(config.quota) });
      } catch (error) {
        throw await isDeleted(accounts, address, error) ? deletedFailure(address) : error;
      }
    }, { creates: true });
    return { text: `Created ${account.address}\n`, json: accountJson(account) };
  },
};

function defaultsOf({ defaultStorageBytes, defaultMessages, defaultMailboxes }: QuotaConfig) {
  return {
    storageBytes: defaultStorageBytes,
    messages: defaultMessages,
    mailboxes: defaultMailboxes,
  };
}

/** WHY: "already exists" is no help where the account cannot be seen in the list. */
async function isDeleted(store: AccountStore, address: string, error: unknown): Promise<boolean> {
  if (!(error instanceof Refused) || error.refusal.kind !== "account-exists") return false;
  const account = await store.find(address);
  return account !== null && account.deletedAt !== null;
}

function deletedFailure(address: string): Failure {
  const remedy = `bring it back with sora-admin accounts restore --email ${address}`;
  return new Failure(exitCodes.failure, `${address} already exists, but is deleted: ${remedy}`);
}
