import type { Blobs, ObjectKey } from "../../blobs/blobs.ts";
import { hashOf } from "../../blobs/blobs.ts";
import type { AccountId, MailboxId, Uid } from "../../lib/ids.ts";
import { isDataError } from "../../store/database_error.ts";
import type { ImportedMessage, ImportStore, KnownMessage } from "../../store/import_messages.ts";
import { readFacts } from "./read_facts.ts";
import { BodyLost } from "./surely.ts";

/** Messages of one statement. */
const BATCH_MAX = 256;
/** Octets of its parameters, roughly. */
const BATCH_BYTES_MAX = 4 * 1024 * 1024;

/** A message that is to be in a mailbox. */
export interface WantedMessage {
  /** null: it gets a new one. */
  readonly uid: Uid | null;
  readonly key: ObjectKey;
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly internalMs: number;
  readonly savedMs: number;
}

/** Where messages go. */
export interface RestoreTarget {
  readonly id: MailboxId;
  readonly accountId: AccountId;
  readonly uidNext: Uid;
  /** What is there already. */
  readonly known: readonly KnownMessage[];
  /** The UIDs that messages come with are those of this mailbox. */
  readonly keepsUids: boolean;
}

export interface RestoreServices {
  readonly blobs: Blobs;
  readonly imports: ImportStore;
  /** Bodies that are read at a time. */
  readonly jobs: number;
  /** What became of a message. */
  readonly told: (
    message: WantedMessage,
    outcome: "restored" | "renumbered" | "there" | { readonly lost: string },
  ) => void;
}

interface Prepared {
  readonly wanted: WantedMessage;
  readonly message: ImportedMessage;
}

/**
 * Brings messages into a mailbox whose bodies are in the storage already: those that keep their UIDs in their
 * order, then all others. Throws what ends everything: a database or storage that is away.
 */
export async function restoreMessages(
  target: RestoreTarget,
  messages: AsyncIterable<WantedMessage> | Iterable<WantedMessage>,
  services: RestoreServices,
): Promise<void> {
  await new Restoring(target, services).run(messages);
}

class Restoring {
  readonly #target: RestoreTarget;
  readonly #services: RestoreServices;
  readonly #byUid: ReadonlyMap<Uid, KnownMessage>;
  readonly #contents: ReadonlySet<string>;
  readonly #late: WantedMessage[] = [];
  #batch: Prepared[] = [];
  #batchBytes = 0;

  constructor(target: RestoreTarget, services: RestoreServices) {
    this.#target = target;
    this.#services = services;
    this.#byUid = new Map(target.known.map((known) => [known.uid, known]));
    this.#contents = new Set(
      target.known.map(({ hash, internalSeconds }) => `${hash}${internalSeconds}`),
    );
  }

  async run(messages: AsyncIterable<WantedMessage> | Iterable<WantedMessage>): Promise<void> {
    await this.#all(messages);
    const late = this.#late.splice(0).map((message) => ({ ...message, uid: null }));
    await this.#all(late);
  }

  async #all(messages: AsyncIterable<WantedMessage> | Iterable<WantedMessage>): Promise<void> {
    const window: Promise<Prepared | { readonly error: unknown } | null>[] = [];
    try {
      for await (const wanted of messages) {
        if (!this.#isWanted(wanted)) continue;
        window.push(this.#prepare(wanted));
        if (window.length >= this.#services.jobs) await this.#take(await window.shift());
      }
      while (window.length > 0) await this.#take(await window.shift());
    } finally {
      await Promise.all(window);
    }
    await this.#flush();
  }

  /** Tells of what is there, and sets aside what has to come later. */
  #isWanted(message: WantedMessage): boolean {
    const { keepsUids, uidNext } = this.#target;
    const { uid, key, internalMs } = message;
    const isThere = uid !== null && keepsUids && this.#byUid.get(uid)?.hash === hashOf(key);
    if (isThere) this.#services.told(message, "there");
    if (isThere) return false;
    if (uid === null) {
      const isAlike = this.#contents.has(`${hashOf(key)}${Math.floor(internalMs / 1000)}`);
      if (isAlike) this.#services.told(message, "there");
      return !isAlike;
    }
    if (keepsUids && uid >= uidNext) return true;
    this.#late.push(message);
    return false;
  }

  /** Never rejects. */
  async #prepare(wanted: WantedMessage): Promise<Prepared | { readonly error: unknown } | null> {
    try {
      const facts = await readFacts(this.#services.blobs, wanted.key);
      const { id, accountId } = this.#target;
      const { key, flags, keywords, uid, savedMs } = wanted;
      const hash = hashOf(key);
      const internalDate = new Date(wanted.internalMs);
      const common = { mailbox: id, accountId, hash, objectKey: key, facts, internalDate };
      return { wanted, message: { ...common, flags, keywords, deliveryKey: null, uid, savedMs } };
    } catch (error) {
      if (!(error instanceof BodyLost)) return { error };
      this.#services.told(wanted, { lost: error.message });
      return null;
    }
  }

  async #take(
    prepared: Prepared | { readonly error: unknown } | null | undefined,
  ): Promise<void> {
    if (!prepared) return;
    if ("error" in prepared) {
      // WHY: what is read already is stored, so that the next run goes on behind it.
      await this.#flush();
      throw prepared.error;
    }
    const { header, structure, bodyStructure, envelope } = prepared.message.facts;
    this.#batch.push(prepared);
    this.#batchBytes += 2 * (header?.length ?? 0) + structure.length + bodyStructure.length +
      envelope.length;
    if (this.#batch.length >= BATCH_MAX || this.#batchBytes >= BATCH_BYTES_MAX) await this.#flush();
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    if (batch.length > 0) await this.#append(batch);
  }

  async #append(batch: readonly Prepared[]): Promise<void> {
    const { imports, told } = this.#services;
    try {
      const uids = await imports.append(batch.map(({ message }) => message), { ignoreQuota: true });
      for (const [at, { wanted }] of batch.entries()) {
        const uid = uids[at] ?? null;
        if (uid === null) this.#late.push(wanted);
        else told(wanted, wanted.uid === uid ? "restored" : "renumbered");
      }
    } catch (error) {
      if (!isDataError(error)) throw error;
      // WHY: one message with impossible data must not fail its neighbours.
      if (batch.length > 1) { for (const single of batch) await this.#append([single]); }
      else if (batch[0]) told(batch[0].wanted, { lost: "the database does not take it" });
    }
  }
}
