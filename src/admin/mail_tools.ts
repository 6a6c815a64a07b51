import type { Blobs } from "../blobs/blobs.ts";
import type { AccountId } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { AccountStore } from "../store/accounts.ts";
import { ImportStore } from "../store/import_messages.ts";
import { MailboxStore } from "../store/mailboxes.ts";
import { MessageStore } from "../store/messages.ts";
import { Notices } from "../store/notices.ts";
import { emailOf } from "./commands/account_view.ts";
import type { Request } from "./command.ts";
import { openBlobs } from "./open_blobs.ts";
import { withAccounts } from "./open_database.ts";

/** What commands work with that read or write an account's mail. */
export interface MailTools {
  readonly owner: { readonly id: AccountId; readonly address: string };
  readonly mailboxes: MailboxStore;
  readonly messages: MessageStore;
  readonly imports: ImportStore;
  readonly blobs: Blobs;
  readonly spoolDir: string;
}

/** Opens database and bodies for the account of `--email`. Throws `no-such-account`, also for a deleted one. */
export function withMail<T>(request: Request, work: (tools: MailTools) => Promise<T>): Promise<T> {
  const address = emailOf(request.options);
  return withAccounts(request, async (database, { config }) => {
    const account = await new AccountStore(database).find(address);
    if (!account || account.deletedAt !== null) throw new Refused({ kind: "no-such-account" });
    await using opened = await openBlobs(config, database);
    const notices = new Notices(database, { workerId: `admin-${crypto.randomUUID()}` });
    return await work({
      owner: { id: account.id, address: account.address },
      mailboxes: new MailboxStore(database, notices),
      messages: new MessageStore(database, notices),
      imports: new ImportStore(database, notices),
      blobs: opened.blobs,
      spoolDir: opened.spoolDir,
    });
  });
}
