import { type Blobs, objectKey } from "../blobs/blobs.ts";
import type { AccountId, MailboxId, Uid } from "../lib/ids.ts";
import { isDataError } from "../store/database_error.ts";
import type { ImportedMessage, ImportStore } from "../store/import_messages.ts";
import type { KnownMessages } from "./known_messages.ts";
import { putPatiently } from "./put_patiently.ts";
import { type Counts, noCounts } from "./report.ts";
import { type OpenMailbox, type SourceMessage, Unreadable } from "./source.ts";
import { takeMessage, type Taken } from "./take_message.ts";

/** Messages of one statement. */
const BATCH_MAX = 256;
/** Octets of its parameters, roughly. */
const BATCH_BYTES_MAX = 4 * 1024 * 1024;

/** Where the messages go. */
export interface Target {
  /** null: it is not made, because this is a dry run. */
  readonly id: MailboxId | null;
  readonly accountId: AccountId;
  /** Primary address of the account. */
  readonly owner: string;
  /** The next UID when the import began. */
  readonly uidNext: Uid;
  readonly keepsUids: boolean;
  readonly known: KnownMessages;
}

/** What the import of a mailbox works with. */
export interface MailboxImportContext {
  readonly imports: ImportStore;
  readonly blobs: Blobs;
  readonly spoolDir: string;
  /** Messages that are read and stored at a time. */
  readonly jobs: number;
  /** Trusts date and size of what is there instead of reading it again. */
  readonly incremental: boolean;
  /** Tries again what an earlier import skipped. */
  readonly retry: boolean;
  readonly ignoreQuota: boolean;
  /** Gives those that are there the flags of the source; null: they keep their own. */
  readonly updateFlags:
    | ((mailbox: MailboxId, known: readonly SourceMessage[]) => Promise<number>)
    | null;
  readonly skipped: (message: SourceMessage, why: string) => void;
  /** Messages that are dealt with. */
  readonly progress: (messages: number) => void;
}

type Prepared =
  | { readonly kind: "new"; readonly source: SourceMessage; readonly message: ImportedMessage }
  | { readonly kind: "dry"; readonly sizeBytes: number }
  | { readonly kind: "there" | "skipped" }
  | { readonly kind: "ended"; readonly error: unknown };
type New = Extract<Prepared, { readonly kind: "new" }>;

/**
 * The messages of one mailbox: first those that keep their UIDs, ascending, then all others. Bodies are
 * stored while the statement of the last batch is under way. An import that ends early has stored a
 * prefix, behind which the next one goes on.
 */
export class MailboxImport {
  readonly counts: Counts = noCounts();
  readonly #source: OpenMailbox;
  readonly #target: Target;
  readonly #context: MailboxImportContext;
  /** With new UIDs, once all others have theirs. */
  readonly #late: SourceMessage[] = [];
  /** There already, with their UIDs. */
  readonly #known: SourceMessage[] = [];
  #batch: New[] = [];
  #batchBytes = 0;
  #stored: Promise<void> = Promise.resolve();

  constructor(source: OpenMailbox, target: Target, context: MailboxImportContext) {
    this.#source = source;
    this.#target = target;
    this.#context = context;
  }

  /** Throws what ends the whole import: a full quota, a database or storage that is away. */
  async run(): Promise<void> {
    const { messages, uidNext } = this.#source;
    this.counts.found = messages.length;
    await this.#import(this.#planned(messages), { withUids: true });
    const { id, keepsUids } = this.#target;
    const { updateFlags } = this.#context;
    if (id !== null && updateFlags) this.counts.updated = await updateFlags(id, this.#known);
    if (keepsUids && id !== null && uidNext !== null) {
      await this.#context.imports.reserveUids(id, uidNext);
    }
    const late = this.#late.splice(0);
    await this.#import(late, { withUids: false });
  }

  /** Those that come with their UIDs; counts what is there and sets the others aside. */
  #planned(messages: readonly SourceMessage[]): SourceMessage[] {
    const { keepsUids, known, uidNext } = this.#target;
    const numbered: SourceMessage[] = [];
    for (const message of messages) {
      if (!keepsUids || message.uid === null) this.#late.push(message);
      else if (message.uid >= uidNext) numbered.push(message);
      else {
        const found = known.takeUid(message, { trusts: this.#context.incremental });
        if (found === "another" || found === "none" && this.#context.retry) {
          this.#late.push(message);
        } else {
          if (found === "taken") this.#known.push(message);
          this.#count(found === "taken" ? "there" : "gone");
        }
      }
    }
    return numbered;
  }

  async #import(
    wanted: readonly SourceMessage[],
    { withUids }: { readonly withUids: boolean },
  ): Promise<void> {
    const left = withUids ? wanted : wanted.filter((message) => !this.#isAlike(message));
    this.#source.expect(left);
    const window: Promise<Prepared>[] = [];
    try {
      for (const message of left) {
        window.push(this.#prepare(message, withUids));
        if (window.length >= this.#context.jobs) await this.#take(window.shift());
      }
      while (window.length > 0) await this.#take(window.shift());
      await this.#flush();
      await this.#stored;
    } finally {
      await Promise.all(window);
    }
  }

  #isAlike(message: SourceMessage): boolean {
    const isThere = this.#context.incremental && this.#target.known.takeAlike(message);
    if (isThere) this.#count("there");
    return isThere;
  }

  /** Reads a message and stores its body. Never rejects. */
  async #prepare(source: SourceMessage, withUids: boolean): Promise<Prepared> {
    try {
      const { spoolDir } = this.#context;
      const taken = await takeMessage(this.#source.read(source), {
        spoolDir,
        expectedBytes: source.sizeBytes,
      });
      try {
        return await this.#store(source, taken, withUids);
      } finally {
        await taken.spooled.discard();
      }
    } catch (error) {
      if (!(error instanceof Unreadable)) return { kind: "ended", error };
      this.#context.skipped(source, error.message);
      return { kind: "skipped" };
    }
  }

  async #store(
    source: SourceMessage,
    { facts, spooled }: Taken,
    withUids: boolean,
  ): Promise<Prepared> {
    const { id, owner, accountId, known } = this.#target;
    if (!withUids && known.takeContent(source, spooled.hash)) return { kind: "there" };
    if (id === null) return { kind: "dry", sizeBytes: facts.sizeBytes };
    const key = objectKey(owner, spooled.hash);
    const pending = await putPatiently(this.#context.blobs, key, spooled);
    const { flags, keywords, internalDate } = source;
    const message = {
      mailbox: id,
      accountId,
      hash: spooled.hash,
      objectKey: key,
      facts,
      internalDate,
      flags,
      keywords,
      deliveryKey: null,
      pending,
      uid: withUids ? source.uid : null,
    };
    return { kind: "new", source, message };
  }

  async #take(preparing: Promise<Prepared> | undefined): Promise<void> {
    const prepared = await preparing;
    if (!prepared) return;
    if (prepared.kind === "ended") {
      // WHY: what is read already is stored, so that the next import goes on behind it.
      await this.#flush();
      await this.#stored;
      throw prepared.error;
    }
    if (prepared.kind === "dry") return this.#imported(prepared.sizeBytes, false);
    if (prepared.kind !== "new") return this.#count(prepared.kind);
    const { facts: { header, structure, bodyStructure, envelope }, pending } = prepared.message;
    this.#batch.push(prepared);
    this.#batchBytes += 2 * (header?.length ?? 0) + structure.length + bodyStructure.length +
      envelope.length + 5 * (pending?.body?.length ?? 0);
    if (this.#batch.length >= BATCH_MAX || this.#batchBytes >= BATCH_BYTES_MAX) await this.#flush();
  }

  /** Begins to store the batch when the one before it is stored. */
  async #flush(): Promise<void> {
    await this.#stored;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    if (batch.length === 0) return;
    this.#stored = this.#append(batch);
    // WHY: whoever awaits it next throws what it threw; until then nobody does.
    this.#stored.catch(() => {});
  }

  async #append(batch: readonly New[]): Promise<void> {
    const { imports, ignoreQuota } = this.#context;
    try {
      const messages = batch.map(({ message }) => message);
      const uids = await imports.append(messages, { ignoreQuota });
      for (const [at, { source, message }] of batch.entries()) {
        const uid = uids[at] ?? null;
        if (uid !== null) this.#imported(message.facts.sizeBytes, source.uid !== uid);
        // WHY: something was delivered here meanwhile and took its UID.
        else this.#late.push(source);
      }
    } catch (error) {
      if (!isDataError(error)) throw error;
      // WHY: one message with impossible data must not fail its neighbours.
      if (batch.length > 1) { for (const single of batch) await this.#append([single]); }
      else if (batch[0]) {
        this.#context.skipped(batch[0].source, "the database does not take it");
        this.#count("skipped");
      }
    }
  }

  #imported(sizeBytes: number, hasNewUid: boolean): void {
    if (this.#target.keepsUids && hasNewUid) this.counts.renumbered++;
    this.counts.octets += sizeBytes;
    this.#count("imported");
  }

  #count(what: "imported" | "there" | "gone" | "skipped"): void {
    this.counts[what]++;
    this.#context.progress(1);
  }
}
