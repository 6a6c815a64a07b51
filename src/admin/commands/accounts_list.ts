import { type Account, type AccountFilter, AccountStore } from "../../store/accounts.ts";
import type { Command } from "../command.ts";
import { withAccounts } from "../open_database.ts";
import { moment, table } from "../table.ts";
import { accountJson } from "./account_view.ts";

/** Accounts of one question to the database. */
const PAGE = 500;

/** Lists accounts by address. */
export const accountsList: Command = {
  name: "accounts list",
  summary: "list accounts by address",
  options: {
    domain: { value: "DOMAIN", text: "only addresses in this domain" },
    deleted: { text: "only deleted accounts" },
    all: { text: "deleted accounts too" },
  },
  example: "sora-admin accounts list --config config.toml --domain example.com",
  async run(request) {
    const { options } = request;
    const domain = options.text("domain")?.toLowerCase().replace(/^@/, "");
    const accounts = await withAccounts(request, (database) =>
      readAll(new AccountStore(database), {
        ...(domain === undefined ? {} : { domain }),
        deleted: options.has("all") ? "any" : options.has("deleted"),
      }));
    const rows = accounts.map(({ address, createdAt, deletedAt, credentials }) => [
      address,
      moment(createdAt),
      deletedAt ? moment(deletedAt) : "",
      credentials.filter(({ isPrimary }) => !isPrimary).map(({ address }) => address).join(" "),
    ]);
    const text = rows.length > 0
      ? table(["ADDRESS", "CREATED", "DELETED", "OTHER ADDRESSES"], rows)
      : "No accounts\n";
    return { text, json: accounts.map(accountJson) };
  },
};

/** Page by page, so that no single answer is large. */
async function readAll(store: AccountStore, filter: AccountFilter): Promise<Account[]> {
  const accounts: Account[] = [];
  for (;;) {
    const after = accounts.at(-1)?.address;
    const page = await store.list({ ...filter, limit: PAGE, ...(after ? { after } : {}) });
    accounts.push(...page);
    if (page.length < PAGE) return accounts;
  }
}
