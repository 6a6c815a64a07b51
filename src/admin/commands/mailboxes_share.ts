import type { Command } from "../command.ts";
import { usage } from "../failure.ts";
import { withSharing } from "../sharing.ts";
import { emailOption } from "./account_view.ts";

/** Makes a shared mailbox, also where users may not. */
export const mailboxesShare: Command = {
  name: "mailboxes share",
  summary: "make a shared mailbox",
  details: "The account owns it: its messages count for the account's quota.",
  options: {
    email: emailOption,
    mailbox: { value: "NAME", required: true, text: 'such as "Shared/Sales"' },
  },
  example:
    "sora-admin mailboxes share --config config.toml --email user@example.com --mailbox Shared/Sales",
  async run(request) {
    const name = request.options.required("mailbox");
    const made = await withSharing(request, ({ user, access }) => {
      const prefix = access.namespaces().shared;
      if (prefix === null) throw usage("[shared_mailboxes] is not enabled");
      if (!name.toLowerCase().startsWith(prefix.toLowerCase())) {
        throw usage(`--mailbox: shared mailboxes are below ${prefix}`);
      }
      return access.create(user, name);
    });
    return { text: `Made ${made.name}\n`, json: { mailbox: made.name, owner: made.owner } };
  },
};
