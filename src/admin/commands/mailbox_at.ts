import type { Uid } from "../../lib/ids.ts";
import { Refused } from "../../lib/refused.ts";
import { type HeldMessage, type HeldPage, MailboxHistory } from "../../store/mailbox_history.ts";
import { RESTORE_MAX } from "../../store/restore.ts";
import type { Command, OptionValues } from "../command.ts";
import { cell, readable, type RestoreTools, withRestore } from "../deleted_view.ts";
import { usage } from "../failure.ts";
import { moment, sizeCell, table } from "../table.ts";
import { TIME_HELP, timeOf } from "../time_option.ts";
import { emailOption } from "./account_view.ts";

/** Lines of the table; `--json` has all. */
const ROWS_MAX = 200;

/** Tells what a mailbox held at some time, and copies it. */
export const mailboxAt: Command = {
  name: "mailbox at",
  summary: "list what a mailbox held at some time, or copy it into a new mailbox",
  details:
    "Goes back as far as the grace period and the history of the cleaner reach ([cleanup]). The " +
    "mailbox is found by the name that it has, or had when it was deleted.",
  options: {
    email: emailOption,
    mailbox: { value: "NAME", required: true, text: "the mailbox, deleted or not" },
    time: { value: "TIME", required: true, text: TIME_HELP },
    "restore-to": { value: "NAME", text: "a new mailbox that gets a copy of everything" },
  },
  example:
    "sora-admin mailbox at --config config.toml --email user@example.com --mailbox INBOX --time 2d",
  async run(request) {
    const { options } = request;
    const wanted = wantedOf(options);
    return await withRestore(request, async (tools) => {
      const { held, lost } = await read(tools, wanted);
      const restored = wanted.restoreTo === undefined
        ? null
        : await copy(tools, { held, name: wanted.restoreTo });
      const text = (restored === null ? listing(held) : `Copied ${restored} messages\n`) +
        (lost > 0 ? `Up to ${lost} more are gone for good\n` : "");
      const messages = held.map(asJson);
      return { text, json: { at: wanted.at.toISOString(), messages, lost, restored } };
    });
  },
};

interface Wanted {
  readonly name: string;
  readonly at: Date;
  readonly restoreTo: string | undefined;
}

function wantedOf(options: OptionValues): Wanted {
  const at = timeOf(options, "time");
  if (!at) throw usage("mailbox at: give --time TIME");
  if (at.getTime() > Date.now()) throw usage("--time: that time is yet to come");
  return { name: options.required("mailbox"), at, restoreTo: options.text("restore-to") };
}

async function read(
  { account, database }: RestoreTools,
  { name, at }: Wanted,
): Promise<{ readonly held: readonly HeldMessage[]; readonly lost: number }> {
  const history = new MailboxHistory(database);
  const { mailboxes, lost } = await history.find(account.id, name, at);
  if (mailboxes.length === 0) throw new Refused({ kind: "no-such-mailbox", name });
  const held: HeldMessage[] = [];
  for (const mailbox of mailboxes) {
    for (let after: Uid | 0 | null = 0; after !== null;) {
      const page: HeldPage = await history.held(mailbox, { at, after, limit: RESTORE_MAX });
      held.push(...page.messages.map(readable));
      after = page.next;
    }
  }
  return { held, lost };
}

/** In batches, so that a large mailbox holds up nobody. */
async function copy(
  { account, mailboxes, restore }: RestoreTools,
  { held, name }: { readonly held: readonly HeldMessage[]; readonly name: string },
): Promise<number> {
  const target = await mailboxes.create(account.id, name);
  let copied = 0;
  for (let at = 0; at < held.length; at += RESTORE_MAX) {
    const ids = held.slice(at, at + RESTORE_MAX).map(({ now }) => now);
    copied += (await restore.copy(account.id, ids, target.id)).length;
  }
  return copied;
}

function listing(held: readonly HeldMessage[]): string {
  const rows = held.slice(0, ROWS_MAX).map((message) => [
    String(message.then.uid),
    moment(message.internalDate),
    cell(message.from),
    cell(message.subject),
    sizeCell(message.sizeBytes),
    message.mailboxName + (message.isDeleted ? " (deleted)" : ""),
  ]);
  const heading = ["UID", "DATE", "FROM", "SUBJECT", "SIZE", "NOW IN"];
  const more = held.length > ROWS_MAX ? "(the first of them; --json has all)\n" : "";
  const count = `${held.length} message${held.length === 1 ? "" : "s"}\n`;
  return (rows.length > 0 ? table(heading, rows) : "") + more + count;
}

function asJson(message: HeldMessage): unknown {
  return {
    uid: message.then.uid,
    savedAt: message.savedAt.toISOString(),
    internalDate: message.internalDate.toISOString(),
    sizeBytes: message.sizeBytes,
    subject: message.subject,
    from: message.from,
    now: {
      mailbox: message.mailboxName,
      id: `${message.now.mailbox}:${message.now.uid}`,
      deleted: message.isDeleted,
    },
  };
}
