import type { MailboxId } from "../../lib/ids.ts";
import { Refused } from "../../lib/refused.ts";
import type { MailboxStore } from "../../store/mailboxes.ts";
import {
  type DeletedCursor,
  type DeletedFilter,
  type DeletedMessage,
  RESTORE_MAX,
} from "../../store/restore.ts";
import type { Account } from "../../store/accounts.ts";
import type { Command } from "../command.ts";
import { filterOf, filterOptions, type RestoreTools, withRestore } from "../deleted_view.ts";
import { explain, Failure, usage } from "../failure.ts";
import { exitCodes } from "../../app/exit_codes.ts";
import { emailOption } from "./account_view.ts";

/** Brings deleted messages back. */
export const messagesRestore: Command = {
  name: "messages restore",
  summary: "bring deleted messages back, with new UIDs",
  details:
    "Messages go to the mailbox that they were in, which is made again when it was deleted, or to " +
    "the one of --to. Flags and keywords come back with them, the quota of the account counts.",
  options: {
    email: emailOption,
    ids: { value: "LIST", text: 'messages as list-deleted shows them, such as "13:5,13:7-9"' },
    ...filterOptions,
    to: { value: "NAME", text: "mailbox they go to; it is made when there is none" },
  },
  example:
    "sora-admin messages restore --config config.toml --email user@example.com --mailbox Trash",
  async run(request) {
    const { options } = request;
    const filter = filterOf(options);
    if (Object.keys(filter).length === 0) {
      throw usage("messages restore: give --ids, --mailbox, --since or --until");
    }
    const to = options.text("to");
    const { restored, failure } = await withRestore(
      request,
      (tools) => restoreAll(tools, { filter, to }),
    );
    const count = `Restored ${restored} message${restored === 1 ? "" : "s"}`;
    if (!failure) return { text: `${count}\n`, json: { restored } };
    if (restored === 0) throw failure;
    return {
      text: `${count}, then: ${failure.message}\n`,
      json: { restored, error: failure.message },
      exitCode: exitCodes.failure,
    };
  },
};

/** In batches; what has been restored stays so when a later one is refused. */
async function restoreAll(
  { restore, account, mailboxes }: RestoreTools,
  { filter, to }: { readonly filter: DeletedFilter; readonly to: string | undefined },
): Promise<{ readonly restored: number; readonly failure: Failure | null }> {
  const targets = new Targets({ account, mailboxes, to });
  let restored = 0;
  try {
    for (let after: DeletedCursor | null = null;;) {
      const page = await restore.deleted(account.id, { filter, limit: RESTORE_MAX, after });
      const groups = new Map<MailboxId, DeletedMessage[]>();
      for (const message of page.messages) {
        const target = await targets.of(message);
        groups.set(target, [...groups.get(target) ?? [], message]);
      }
      for (const [target, messages] of groups) {
        restored += (await restore.restore(account.id, messages, target)).length;
      }
      if (!page.next) return { restored, failure: null };
      after = page.next;
    }
  } catch (error) {
    if (error instanceof Failure) return { restored, failure: error };
    if (!(error instanceof Refused) || error.refusal.kind === "unavailable") throw error;
    return { restored, failure: explain(error) };
  }
}

/** Where messages go, each mailbox looked up or made once. */
class Targets {
  readonly #account: Account;
  readonly #mailboxes: MailboxStore;
  readonly #to: string | undefined;
  readonly #known = new Map<string, MailboxId>();

  constructor(
    { account, mailboxes, to }: {
      readonly account: Account;
      readonly mailboxes: MailboxStore;
      readonly to: string | undefined;
    },
  ) {
    this.#account = account;
    this.#mailboxes = mailboxes;
    this.#to = to;
  }

  async of(message: DeletedMessage): Promise<MailboxId> {
    if (this.#to === undefined && !message.isMailboxDeleted) return message.mailbox;
    if (this.#to === undefined && message.domain !== null) {
      const name = JSON.stringify(message.mailboxName);
      throw new Failure(
        exitCodes.failure,
        `the shared mailbox ${name} is deleted: say where the messages go by --to`,
      );
    }
    return await this.#named(this.#to ?? message.mailboxName);
  }

  async #named(name: string): Promise<MailboxId> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const { id } = await findOrCreate(this.#mailboxes, this.#account, name);
    this.#known.set(name, id);
    return id;
  }
}

async function findOrCreate(mailboxes: MailboxStore, account: Account, name: string) {
  try {
    return await mailboxes.find(account.id, name);
  } catch (error) {
    if (!(error instanceof Refused) || error.refusal.kind !== "no-such-mailbox") throw error;
    return await mailboxes.create(account.id, name);
  }
}
