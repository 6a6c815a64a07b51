import { formatSize, parseSize } from "../../config/size.ts";
import { Refused } from "../../lib/refused.ts";
import { type Quota, type QuotaLimits, QuotaStore } from "../../store/quotas.ts";
import type { Database } from "../../store/database.ts";
import type { Command, OptionValues } from "../command.ts";
import { usage } from "../failure.ts";
import { withAccounts } from "../open_database.ts";
import { facts, sizeCell } from "../table.ts";
import { emailOf, emailOption } from "./account_view.ts";

/** Shows what an account uses and may use. */
export const quotaShow: Command = {
  name: "quota show",
  summary: "show what an account uses and may use",
  options: { email: emailOption },
  example: "sora-admin quota show --config config.toml --email user@example.com",
  async run(request) {
    const address = emailOf(request.options);
    const quota = await withAccounts(request, (database) => find(database, address));
    return { text: describe(quota), json: quota };
  },
};

/** Changes some of the limits of an account. */
export const quotaSet: Command = {
  name: "quota set",
  summary: "limit what an account may keep",
  details: 'Limits that are not given stay as they are; "none" takes one away.',
  options: {
    email: emailOption,
    storage: { value: "SIZE", text: 'octets of all messages, such as "5gb"' },
    messages: { value: "COUNT", text: "messages in all mailboxes" },
    mailboxes: { value: "COUNT", text: "mailboxes" },
  },
  example: "sora-admin quota set --config config.toml --email user@example.com --storage 5gb",
  async run(request) {
    const address = emailOf(request.options);
    const change = changeOf(request.options);
    if (Object.keys(change).length === 0) {
      throw usage("give at least one of --storage, --messages and --mailboxes");
    }
    const quota = await withAccounts(request, async (database) => {
      const { account, limits } = await find(database, address);
      await new QuotaStore(database).setLimits(account, { ...limits, ...change });
      return await find(database, address);
    });
    return { text: describe(quota), json: quota };
  },
};

async function find(database: Database, address: string): Promise<Quota> {
  const quota = await new QuotaStore(database).find(address);
  if (!quota) throw new Refused({ kind: "no-such-account" });
  return quota;
}

function changeOf(options: OptionValues): Partial<QuotaLimits> {
  const storageBytes = limit(options, "storage", parseSize);
  const messages = limit(options, "messages", parseCount);
  const mailboxes = limit(options, "mailboxes", parseCount);
  return {
    ...(storageBytes === undefined ? {} : { storageBytes }),
    ...(messages === undefined ? {} : { messages }),
    ...(mailboxes === undefined ? {} : { mailboxes }),
  };
}

/** null: none; undefined: not given. */
function limit(
  options: OptionValues,
  name: string,
  parse: (text: string) => number | undefined,
): number | null | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  if (text === "none") return null;
  const value = parse(text);
  if (value === undefined) throw usage(`--${name}: cannot read ${JSON.stringify(text)}`);
  return value;
}

function parseCount(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function describe({ address, used, limits }: Quota): string {
  const of = (value: string, max: string | null) => `${value} of ${max ?? "any number"}`;
  const { storageBytes, messages, mailboxes } = limits;
  return facts([
    ["Address", address],
    [
      "Storage",
      of(sizeCell(used.storageBytes), storageBytes === null ? null : formatSize(storageBytes)),
    ],
    ["Messages", of(String(used.messages), messages?.toString() ?? null)],
    ["Mailboxes", of(String(used.mailboxes), mailboxes?.toString() ?? null)],
  ]);
}
