import type { MailboxId, Uid } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { Header } from "../message/header.ts";
import { type Account, AccountStore } from "../store/accounts.ts";
import type { Database } from "../store/database.ts";
import { MailboxStore } from "../store/mailboxes.ts";
import { Notices } from "../store/notices.ts";
import { type DeletedFilter, type DeletedId, RestoreStore } from "../store/restore.ts";
import type { Option, OptionValues, Request } from "./command.ts";
import { emailOf } from "./commands/account_view.ts";
import { usage } from "./failure.ts";
import { withAccounts } from "./open_database.ts";
import { TIME_HELP, timeOf } from "./time_option.ts";

/** Ids of one command line. */
const IDS_MAX = 100_000;
/** Characters of a cell: a line of a terminal has room for them. */
const CELL_MAX = 40;

/** Options that say which deleted messages are meant. */
export const filterOptions = {
  mailbox: { value: "NAME", text: "only from this mailbox, deleted or not" },
  since: { value: "TIME", text: `only deleted since: ${TIME_HELP}` },
  until: { value: "TIME", text: "only deleted before" },
} as const satisfies Record<string, Option>;

/** What commands about deleted messages work with. */
export interface RestoreTools {
  readonly account: Account;
  readonly database: Database;
  readonly mailboxes: MailboxStore;
  readonly restore: RestoreStore;
}

/** Opens the database for the account of `--email`, deleted or not. */
export function withRestore<T>(
  request: Request,
  work: (tools: RestoreTools) => Promise<T>,
): Promise<T> {
  const address = emailOf(request.options);
  return withAccounts(request, async (database) => {
    const account = await new AccountStore(database).find(address);
    if (!account) throw new Refused({ kind: "no-such-account" });
    const notices = new Notices(database, { workerId: `admin-${crypto.randomUUID()}` });
    const mailboxes = new MailboxStore(database, notices);
    return await work({
      account,
      database,
      mailboxes,
      restore: new RestoreStore(database, notices),
    });
  });
}

/** What the options say. Throws `Failure` (usage). */
export function filterOf(options: OptionValues): DeletedFilter {
  const mailbox = options.text("mailbox");
  const since = timeOf(options, "since");
  const until = timeOf(options, "until");
  const ids = idsOf(options.text("ids"));
  return {
    ...(mailbox === undefined ? {} : { mailbox }),
    ...(since ? { since } : {}),
    ...(until ? { until } : {}),
    ...(ids ? { ids } : {}),
  };
}

/** "13:5,13:7-9": mailbox and UIDs, as `list-deleted` shows them. */
function idsOf(text: string | undefined): DeletedId[] | undefined {
  if (text === undefined) return undefined;
  const ids: DeletedId[] = [];
  for (const word of text.split(/[\s,]+/).filter((word) => word !== "")) {
    const [, mailbox, first, last = first] = /^(\d{1,15}):(\d{1,10})(?:-(\d{1,10}))?$/.exec(word) ??
      [];
    if (mailbox === undefined) {
      throw usage(`--ids: ${JSON.stringify(word)} is no id such as 13:5 or 13:5-9`);
    }
    if (Number(last) < Number(first)) {
      throw usage(`--ids: ${JSON.stringify(word)} ends before it begins`);
    }
    if (Number(last) - Number(first) + ids.length >= IDS_MAX) {
      throw usage(`--ids: more than ${IDS_MAX} messages`);
    }
    for (let uid = Number(first); uid <= Number(last); uid++) {
      ids.push({ mailbox: Number(mailbox) as MailboxId, uid: uid as Uid });
    }
  }
  return ids;
}

/** The id of a message on the command line. */
export function idText({ mailbox, uid }: DeletedId): string {
  return `${mailbox}:${uid}`;
}

/** What a message says about itself. */
interface Described {
  readonly header: Uint8Array | null;
  readonly subject: string;
  readonly from: string;
}

/** Subject and sender as people read them, instead of the header that they stand in. */
export function readable<T extends Described>(message: T): T {
  const fields = message.header ? Header.parse(message.header) : undefined;
  return {
    ...message,
    header: null,
    subject: fields?.decoded("subject") ?? message.subject,
    from: fields?.decoded("from") ?? message.from,
  };
}

/** A text that fits into a cell of a table. */
export function cell(text: string): string {
  // deno-lint-ignore no-control-regex
  const plain = text.replaceAll(/[\s\x00-\x1f\x7f-\x9f]+/g, " ");
  return plain.length <= CELL_MAX ? plain : `${plain.slice(0, CELL_MAX - 1)}…`;
}
