import type { Blobs } from "../blobs/blobs.ts";
import type { Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import type { Mailbox } from "../store/mailboxes.ts";
import type { MessageRow, MessageStore } from "../store/messages.ts";
import type { ExportedMailbox, ExportReport } from "./export_report.ts";
import type { Problem } from "./report.ts";
import { Unreadable } from "./source.ts";

/** Rows that are read at a time. */
const ROWS_CHUNK = 1_000;
/** WHY: one body that cannot be read is damaged; so many in a row are a storage that is away. */
const UNREADABLE_IN_A_ROW_MAX = 20;

/** What an export works with. */
export interface ExportServices {
  readonly messages: Pick<MessageStore, "uids" | "rows">;
  readonly blobs: Blobs;
  /** Bodies that are read at a time. */
  readonly jobs: number;
  readonly progress: (mailbox: string, messages: number) => void;
}

/** A place that mail is exported to. */
export interface ExportTarget {
  /** Writes one mailbox. Throws `Unreadable` when the mailbox has no place there. */
  mailbox(mailbox: Mailbox, tally: Tally): Promise<void>;
  /** When all mailboxes are written. */
  finish(): Promise<readonly string[]>;
}

/** Writes mailboxes one after the other. What cannot be read is listed and left out. Never throws. */
export async function exportMail(
  mailboxes: readonly Mailbox[],
  target: ExportTarget,
  progress: ExportServices["progress"],
): Promise<ExportReport> {
  const done: ExportedMailbox[] = [];
  const problems: Problem[] = [];
  let remarks: readonly string[] = [];
  let ended: unknown;
  try {
    for (const mailbox of mailboxes) {
      const tally = new Tally(mailbox.name, problems, progress);
      try {
        await target.mailbox(mailbox, tally);
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        problems.push({ mailbox: mailbox.name, message: null, why: error.message });
      } finally {
        done.push(tally.result());
      }
    }
    remarks = await target.finish();
  } catch (error) {
    ended = error;
  }
  return { mailboxes: done, problems, remarks, ended };
}

/** Counts what became of the messages of one mailbox. */
export class Tally {
  readonly #mailbox: string;
  readonly #problems: Problem[];
  readonly #progress: ExportServices["progress"];
  readonly #counts = { messages: 0, written: 0, there: 0, skipped: 0, octets: 0 };
  #unreadable = 0;

  constructor(mailbox: string, problems: Problem[], progress: ExportServices["progress"]) {
    this.#mailbox = mailbox;
    this.#problems = problems;
    this.#progress = progress;
  }

  written(octets: number): void {
    this.#counts.octets += octets;
    this.#unreadable = 0;
    this.#count("written");
  }

  there(): void {
    this.#count("there");
  }

  /** Notes a message that cannot be read; throws what is not about one message. */
  skipped(uid: Uid, error: unknown): void {
    if (!(error instanceof Unreadable)) throw error;
    if (++this.#unreadable >= UNREADABLE_IN_A_ROW_MAX) throw error.cause ?? error;
    this.#problems.push({ mailbox: this.#mailbox, message: `UID ${uid}`, why: error.message });
    this.#count("skipped");
  }

  result(): ExportedMailbox {
    return { mailbox: this.#mailbox, ...this.#counts };
  }

  #count(what: "written" | "there" | "skipped"): void {
    this.#counts.messages++;
    this.#counts[what]++;
    this.#progress(this.#mailbox, 1);
  }
}

/** The messages of a mailbox in UID order, as they are when it begins. */
export async function* exportRows(
  messages: ExportServices["messages"],
  { id }: Mailbox,
): AsyncGenerator<MessageRow> {
  const { uids } = await messages.uids(id);
  for (let at = 0; at < uids.length; at += ROWS_CHUNK) {
    const chunk = [...uids.subarray(at, at + ROWS_CHUNK)] as Uid[];
    yield* await messages.rows(id, NumberSet.from(chunk), {});
  }
}
