import { AccessControl } from "../auth/access_control.ts";
import type { User } from "../auth/authenticator.ts";
import { MailboxAccess } from "../auth/mailbox_access.ts";
import { Refused } from "../lib/refused.ts";
import { AccountStore } from "../store/accounts.ts";
import { AclStore } from "../store/acls.ts";
import { MailboxStore } from "../store/mailboxes.ts";
import { Notices } from "../store/notices.ts";
import { emailOf } from "./commands/account_view.ts";
import type { Option, Request } from "./command.ts";
import { withAccounts } from "./open_database.ts";

/** The option that names a mailbox. */
export const mailboxOption: Option = {
  value: "NAME",
  required: true,
  text: "the mailbox, by the name that this account knows",
};

/** What commands about shared mailboxes work with: an operator may do everything. */
export interface SharingTools {
  readonly user: User;
  readonly access: MailboxAccess;
  readonly control: AccessControl;
}

/** Opens the database for the account of `--email`, deleted or not. */
export function withSharing<T>(
  request: Request,
  work: (tools: SharingTools) => Promise<T>,
): Promise<T> {
  const address = emailOf(request.options);
  return withAccounts(request, async (database, { config }) => {
    const accounts = new AccountStore(database);
    const account = await accounts.find(address);
    if (!account) throw new Refused({ kind: "no-such-account" });
    const notices = new Notices(database, { workerId: `admin-${crypto.randomUUID()}` });
    const acls = new AclStore(database, notices);
    const sharing = { ...config.sharedMailboxes, allowUserCreate: true };
    const mailboxes = new MailboxStore(database, notices);
    const access = new MailboxAccess({ mailboxes, acls, sharing });
    const operator = {
      find: (user: User, name: string) => access.findForOperator(user, name),
    };
    const control = new AccessControl({ access: operator, acls, accounts, sharing });
    return await work({
      user: { accountId: account.id, address: account.address },
      access,
      control,
    });
  });
}
