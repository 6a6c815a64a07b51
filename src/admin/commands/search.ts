import { AccountStore } from "../../store/accounts.ts";
import type { Modseq } from "../../lib/ids.ts";
import { MessageTextStore } from "../../store/message_texts.ts";
import { Notices } from "../../store/notices.ts";
import type { Command } from "../command.ts";
import { usage } from "../failure.ts";
import { withAccounts } from "../open_database.ts";
import { emailOf } from "./account_view.ts";

/** Says how far the search index is. */
export const searchStatus: Command = {
  name: "search status",
  summary: "show how many messages are not in the search index yet",
  options: {},
  example: "sora-admin search status --config config.toml",
  async run(request) {
    const lag = await withAccounts(request, (database) => new MessageTextStore(database).lag());
    const text = lag.messages === 0
      ? "All messages are indexed\n"
      : `${lag.messages} messages in ${lag.mailboxes} mailboxes are not indexed yet\n`;
    return { text, json: lag };
  },
};

/** Makes the search index anew. */
export const searchReindex: Command = {
  name: "search reindex",
  summary: "make the search index of an account, or of all, anew",
  details: "Searches stay right meanwhile, but read the messages. A running server does the work.",
  options: {
    email: { value: "ADDRESS", text: "address of the account" },
    all: { text: "all accounts" },
  },
  example: "sora-admin search reindex --config config.toml --email user@example.com",
  async run(request) {
    const { options } = request;
    if (options.has("all") === options.has("email")) throw usage("give either --email or --all");
    const mailboxes = await withAccounts(request, async (database) => {
      const account = options.has("all")
        ? null
        : (await new AccountStore(database).show(emailOf(options))).id;
      const forgotten = await new MessageTextStore(database).forget(account);
      const notices = new Notices(database, { workerId: crypto.randomUUID() });
      // WHY: what is said of a mailbox is only that there is something to look at.
      for (const mailbox of forgotten) notices.changed(mailbox, 1 as Modseq);
      await notices.settled();
      return forgotten.length;
    });
    return { text: `${mailboxes} mailboxes are being indexed anew\n`, json: { mailboxes } };
  },
};
