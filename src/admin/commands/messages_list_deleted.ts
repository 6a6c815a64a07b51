import type { DeletedCursor, DeletedFilter, DeletedMessage } from "../../store/restore.ts";
import type { Command } from "../command.ts";
import {
  cell,
  filterOf,
  filterOptions,
  idText,
  readable,
  type RestoreTools,
  withRestore,
} from "../deleted_view.ts";
import { usage } from "../failure.ts";
import { moment, sizeCell, table } from "../table.ts";
import { emailOption } from "./account_view.ts";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 100_000;
/** Messages of one question to the database. */
const PAGE = 500;

/** Lists what can be restored. */
export const messagesListDeleted: Command = {
  name: "messages list-deleted",
  summary: "list deleted messages that can still be restored, the last deleted ones first",
  options: {
    email: emailOption,
    ...filterOptions,
    limit: { value: "COUNT", text: `so many at most; ${LIMIT_DEFAULT}` },
  },
  example:
    "sora-admin messages list-deleted --config config.toml --email user@example.com --since 2d",
  async run(request) {
    const { options } = request;
    const filter = filterOf(options);
    const limit = limitOf(options.text("limit"));
    const messages = await withRestore(request, (tools) => readAll(tools, { filter, limit }));
    const rows = messages.map((message) => [
      idText(message),
      moment(message.deletedAt),
      message.mailboxName + (message.isMailboxDeleted ? " (deleted)" : ""),
      cell(message.from),
      cell(message.subject),
      sizeCell(message.sizeBytes),
    ]);
    const heading = ["ID", "DELETED", "MAILBOX", "FROM", "SUBJECT", "SIZE"];
    const more = messages.length === limit ? `(the last ${limit}; there may be more)\n` : "";
    const text = rows.length === 0 ? "No deleted messages\n" : table(heading, rows) + more;
    return { text, json: messages.map(asJson) };
  },
};

async function readAll(
  { restore, account }: RestoreTools,
  { filter, limit }: { readonly filter: DeletedFilter; readonly limit: number },
): Promise<DeletedMessage[]> {
  const messages: DeletedMessage[] = [];
  for (let after: DeletedCursor | null = null; messages.length < limit;) {
    const wanted = { filter, limit: Math.min(PAGE, limit - messages.length), after };
    const page = await restore.deleted(account.id, wanted);
    messages.push(...page.messages.map(readable));
    if (!page.next) break;
    after = page.next;
  }
  return messages;
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return LIMIT_DEFAULT;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > LIMIT_MAX) throw usage(`--limit: a number from 1 to ${LIMIT_MAX}`);
  return limit;
}

function asJson(message: DeletedMessage): unknown {
  return {
    id: idText(message),
    mailbox: message.mailboxName,
    mailboxDeleted: message.isMailboxDeleted,
    uid: message.uid,
    deletedAt: message.deletedAt.toISOString(),
    internalDate: message.internalDate.toISOString(),
    sizeBytes: message.sizeBytes,
    subject: message.subject,
    from: message.from,
  };
}
