import type { Blobs } from "../blobs/blobs.ts";
import type { AccountId } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import type { ImportStore } from "../store/import_messages.ts";
import { cleanMailboxName, mailboxKey } from "../store/mailbox_name.ts";
import type { Mailbox, MailboxStore } from "../store/mailboxes.ts";
import type { MessageStore } from "../store/messages.ts";
import { updateFlags } from "./flag_updates.ts";
import { KnownMessages } from "./known_messages.ts";
import { MailboxImport, type Target } from "./mailbox_import.ts";
import type { ImportReport, MailboxReport, Problem } from "./report.ts";
import { type OpenMailbox, type Source, type SourceMailbox, Unreadable } from "./source.ts";

/** What an import works with. */
export interface ImportServices {
  readonly mailboxes: MailboxStore;
  readonly messages: Pick<MessageStore, "storeFlags">;
  readonly imports: ImportStore;
  readonly blobs: Blobs;
  readonly spoolDir: string;
  /** Messages of a mailbox that are dealt with since the last call. */
  readonly progress: (mailbox: string, messages: number) => void;
}

/** How an import is done. */
export interface ImportOptions {
  /** Keeps UIDVALIDITY and UIDs where the mailbox is empty, or has those of the source already. */
  readonly preserveUids: boolean;
  readonly incremental: boolean;
  readonly retry: boolean;
  /** Messages that keep their UIDs and are there already get the flags of the source. */
  readonly updateFlags: boolean;
  readonly dryRun: boolean;
  readonly ignoreQuota: boolean;
  readonly jobs: number;
}

/** Whose mail it becomes. */
export interface Owner {
  readonly id: AccountId;
  /** The primary address. */
  readonly address: string;
}

/**
 * Brings mailboxes into an account. What is damaged or refused is listed and left out; what keeps
 * everything from being stored (a full quota, a database that is away) ends the import, which can be run
 * again: nothing comes twice. Never throws.
 */
export async function importMail(
  source: Pick<Source, "subscriptions" | "remarks">,
  wanted: readonly SourceMailbox[],
  { owner, services, options }: {
    readonly owner: Owner;
    readonly services: ImportServices;
    readonly options: ImportOptions;
  },
): Promise<ImportReport> {
  const run = new ImportRun(owner, services, options);
  let ended: unknown;
  let subscribed = 0;
  let remarks: readonly string[] = [];
  try {
    for (const mailbox of wanted) await run.mailbox(mailbox);
    subscribed = await run.subscribe(await source.subscriptions());
    remarks = await source.remarks();
  } catch (error) {
    ended = error;
  }
  return { mailboxes: run.reports, subscribed, problems: run.problems, remarks, ended };
}

class ImportRun {
  readonly reports: MailboxReport[] = [];
  readonly problems: Problem[] = [];
  readonly #owner: Owner;
  readonly #services: ImportServices;
  readonly #options: ImportOptions;

  constructor(owner: Owner, services: ImportServices, options: ImportOptions) {
    this.#owner = owner;
    this.#services = services;
    this.#options = options;
  }

  async mailbox(mailbox: SourceMailbox): Promise<void> {
    try {
      await using open = await mailbox.open();
      const found = await this.#find(mailbox.name);
      await this.#import(open, mailbox.name, found);
    } catch (error) {
      if (error instanceof Unreadable) this.#problem(mailbox.name, null, error.message);
      else if (isAboutTheName(error)) this.#problem(mailbox.name, null, whyOf(error));
      else throw error;
    }
  }

  /** Adds the names that are not subscribed to yet; answers how many. */
  async subscribe(names: readonly string[]): Promise<number> {
    const { mailboxes } = this.#services;
    const known = new Set((await mailboxes.subscriptions(this.#owner.id)).map(mailboxKey));
    let count = 0;
    for (const name of names) {
      try {
        if (known.has(mailboxKey(cleanMailboxName(name)))) continue;
        if (!this.#options.dryRun) await mailboxes.subscribe(this.#owner.id, name);
        count++;
      } catch (error) {
        if (!isAboutTheName(error)) throw error;
        this.#problem(name, null, `cannot be subscribed to: ${whyOf(error)}`);
      }
    }
    return count;
  }

  async #find(
    name: string,
  ): Promise<{ readonly mailbox: Mailbox | null; readonly created: boolean }> {
    const { mailboxes } = this.#services;
    try {
      const mailbox = await mailboxes.find(this.#owner.id, cleanMailboxName(name));
      return { mailbox, created: false };
    } catch (error) {
      if (!(error instanceof Refused) || error.refusal.kind !== "no-such-mailbox") throw error;
    }
    if (this.#options.dryRun) return { mailbox: null, created: true };
    return { mailbox: await mailboxes.create(this.#owner.id, name), created: true };
  }

  async #import(
    source: OpenMailbox,
    name: string,
    { mailbox, created }: { readonly mailbox: Mailbox | null; readonly created: boolean },
  ): Promise<void> {
    const { imports, mailboxes, messages, blobs, spoolDir, progress } = this.#services;
    const { dryRun, ...options } = this.#options;
    const target: Target = {
      id: dryRun ? null : mailbox?.id ?? null,
      accountId: this.#owner.id,
      owner: this.#owner.address,
      uidNext: mailbox?.uidNext ?? 1 as Target["uidNext"],
      keepsUids: await this.#keepsUids(source, mailbox),
      known: new KnownMessages(mailbox ? await imports.known(mailbox.id) : []),
    };
    const work = new MailboxImport(source, target, {
      ...options,
      updateFlags: options.updateFlags ? (id, known) => updateFlags(messages, id, known) : null,
      imports,
      blobs,
      spoolDir,
      skipped: (message, why) => this.#problem(name, message.label, why),
      progress: (messages) => progress(name, messages),
    });
    try {
      await work.run();
      // WHY: what a user has had for years is not recent (RFC 3501 §2.3.2) to the next session.
      const after = target.id === null ? null : await mailboxes.get(target.id);
      if (after && work.counts.imported > 0) mailboxes.claimRecent(after.id, after.uidNext);
    } finally {
      const { keepsUids } = target;
      this.reports.push({ mailbox: mailbox?.name ?? name, created, keepsUids, ...work.counts });
    }
  }

  async #keepsUids({ uidValidity }: OpenMailbox, mailbox: Mailbox | null): Promise<boolean> {
    if (!this.#options.preserveUids || uidValidity === null) return false;
    if (mailbox?.uidValidity === uidValidity) return true;
    if (this.#options.dryRun || !mailbox) return (mailbox?.uidNext ?? 1) === 1;
    return await this.#services.imports.adoptUidValidity(mailbox, uidValidity);
  }

  #problem(mailbox: string, message: string | null, why: string): void {
    this.problems.push({ mailbox, message, why });
  }
}

/** A mailbox that cannot be made; the others can. */
function isAboutTheName(error: unknown): error is Refused {
  return error instanceof Refused &&
    (error.refusal.kind === "bad-mailbox-name" || error.refusal.kind === "too-many-mailboxes" ||
      error.refusal.kind === "mailbox-exists");
}

function whyOf({ refusal }: Refused): string {
  if (refusal.kind === "bad-mailbox-name") return `no name for a mailbox: ${refusal.why}`;
  if (refusal.kind === "too-many-mailboxes") return `more than ${refusal.limit} mailboxes`;
  return refusal.kind;
}
