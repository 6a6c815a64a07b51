import type { AccessibleMailbox } from "../../../auth/mailbox_access.ts";
import type { MailboxId } from "../../../lib/ids.ts";
import type { MailboxCounts } from "../../../store/messages.ts";
import { isDisabled } from "../../capability_config.ts";
import type { Context } from "../../command.ts";
import { enableCondstore } from "../../enable_condstore.ts";
import { mailboxId } from "../../object_id.ts";
import type { Scanner } from "../../wire/scanner.ts";
import { WireError } from "../../wire/wire_error.ts";

/** What a value is made from. */
interface Facts {
  readonly mailbox: AccessibleMailbox;
  /** Counted only for items that need it. */
  readonly counts: MailboxCounts | undefined;
  readonly appendLimitBytes: number;
}

/** One status-att: its value for a mailbox. An extension adds its line here. */
const items = {
  APPENDLIMIT: ({ appendLimitBytes }) => appendLimitBytes, // RFC 7889 §3.2
  DELETED: ({ counts }) => counts?.deleted ?? 0, // RFC 9051 §6.3.11
  "DELETED-STORAGE": ({ counts }) => counts?.deletedBytes ?? 0, // RFC 9208 §4.1.4
  HIGHESTMODSEQ: ({ mailbox }) => mailbox.highestModseq, // RFC 7162 §3.1.7
  MAILBOXID: ({ mailbox }) => `(${mailboxId(mailbox.id)})`, // RFC 8474 §4.3
  MESSAGES: ({ mailbox }) => mailbox.messages,
  RECENT: ({ counts }) => counts?.recent ?? 0,
  SIZE: ({ mailbox }) => mailbox.sizeBytes, // RFC 8438
  UIDNEXT: ({ mailbox }) => mailbox.uidNext,
  UIDVALIDITY: ({ mailbox }) => mailbox.uidValidity,
  UNSEEN: ({ mailbox }) => mailbox.unseen,
} satisfies Readonly<Record<string, (facts: Facts) => number | string>>;

/** RFC 3501 §6.3.10 status-att, and those of extensions. */
export type StatusItem = keyof typeof items;

/** The extension that an item belongs to. */
const extensions: { readonly [K in StatusItem]?: string } = {
  APPENDLIMIT: "APPENDLIMIT",
  HIGHESTMODSEQ: "CONDSTORE",
  MAILBOXID: "OBJECTID",
  SIZE: "STATUS=SIZE",
};

const COUNTED: ReadonlySet<StatusItem> = new Set(["DELETED", "DELETED-STORAGE", "RECENT"]);

/** `"(" status-att *(SP status-att) ")"`, each once. */
export function statusItems(wire: Scanner): StatusItem[] {
  return [...new Set(wire.list(() => statusItem(wire)))];
}

function statusItem(wire: Scanner): StatusItem {
  const word = wire.word();
  return isItem(word) ? word : wire.fail("status-att");
}

function isItem(word: string): word is StatusItem {
  return Object.hasOwn(items, word);
}

/** Refuses what is not announced, and enables what an item enables: RFC 7162 §3.1. */
export function prepareStatus(
  wanted: readonly StatusItem[],
  context: Context<"authenticated" | "selected">,
): void {
  const { enabled, services: { config } } = context;
  for (const item of wanted) {
    const extension = extensions[item];
    if (extension && isDisabled(extension, config)) {
      throw WireError.because(`${extension} is disabled`);
    }
  }
  if (enabled.rev2 && wanted.includes("RECENT")) {
    throw WireError.because("There are no recent messages in IMAP4rev2");
  }
  if (wanted.includes("HIGHESTMODSEQ")) enableCondstore(context);
}

/** Counts what has to be counted, for many mailboxes in one query. */
export async function countsFor(
  mailboxes: readonly AccessibleMailbox[],
  wanted: readonly StatusItem[],
  { services: { messages } }: Pick<Context, "services">,
): Promise<ReadonlyMap<MailboxId, MailboxCounts>> {
  if (mailboxes.length === 0 || !wanted.some((item) => COUNTED.has(item))) return new Map();
  return await messages.counts(mailboxes, { octets: wanted.includes("DELETED-STORAGE") });
}

/** `STATUS mailbox (…)`; `name` as the client knows it. */
export function renderStatus(
  { name, mailbox, counts }: {
    readonly name: string;
    readonly mailbox: AccessibleMailbox;
    readonly counts: ReadonlyMap<MailboxId, MailboxCounts>;
  },
  wanted: readonly StatusItem[],
  { reply, services: { config: { appendLimitBytes } } }: Pick<Context, "reply" | "services">,
): string {
  const facts = { mailbox, counts: counts.get(mailbox.id), appendLimitBytes };
  const values = wanted.map((item) => `${item} ${items[item](facts)}`);
  return `STATUS ${reply.mailbox(name)} (${values.join(" ")})`;
}
