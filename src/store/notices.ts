import type { AccountId, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import type { Database } from "./database.ts";

/** The one channel: every worker of every node hears it. */
const CHANNEL = "sora_mailboxes";
/** PostgreSQL takes less than 8,000 octets. */
const PAYLOAD_BYTES_MAX = 7_900;
/** Changes of this long share a notice: NOTIFY takes a lock that all commits of notices share. */
const COALESCE_MS = 5;
/** The same while one notice follows the other. */
const BUSY_COALESCE_MS = 15;
/** Between two notices that follow each other, at most. */
const BUSY_MS = 50;
/** The same while the database cannot be reached. */
const RETRY_MS = 500;
/** Mailboxes that wait to be announced while the database is away; beyond it the oldest go. */
const PENDING_MAX = 100_000;

/**
 * Told after a change of the mailbox; null: something may have been missed, look for yourself.
 * `arrived`, when it is known here: the messages that came at that MODSEQ, and nothing else did.
 */
export type NoticeListener = (modseq: Modseq | null, arrived?: readonly Uid[]) => void;

/** Change notices between the isolates of all nodes, over LISTEN and NOTIFY. */
export class Notices {
  readonly #listeners = new Map<MailboxId, Set<NoticeListener>>();
  readonly #any = new Set<(mailbox: MailboxId) => void>();
  #pending = new Map<MailboxId, Modseq>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<void> | undefined;
  #sentAt = -Infinity;
  #closed = false;

  /** `workerId`: without spaces, different in every isolate of every node. */
  constructor(readonly db: Database, readonly options: { readonly workerId: string }) {
    db.beforeClose(() => {
      this.#closed = true;
      return this.settled();
    });
  }

  /** Says that a change was committed: listeners here at once, those elsewhere a few ms later. */
  changed(mailbox: MailboxId, modseq: Modseq, arrived?: readonly Uid[]): void {
    this.#tell(mailbox, modseq, arrived);
    if (this.#closed) return; // WHY: nobody can be told any more; others find it by their polls.
    const known = this.#pending.get(mailbox) ?? 0;
    if (modseq > known) this.#pending.set(mailbox, modseq);
    this.#timer ??= setTimeout(() => this.#flush(), this.#coalesceMs());
  }

  #coalesceMs(): number {
    return performance.now() - this.#sentAt < BUSY_MS ? BUSY_COALESCE_MS : COALESCE_MS;
  }

  /** Says that mailboxes came, went or were renamed, or that subscriptions or annotations changed. */
  accountChanged(account: AccountId): void {
    this.changed(ofAccount(account), 1 as Modseq);
  }

  /** Listens to one account until the returned function is called. */
  onAccount(account: AccountId, listener: () => void): () => void {
    return this.on(ofAccount(account), () => listener());
  }

  /** Listens to one mailbox until the returned function is called. */
  on(mailbox: MailboxId, listener: NoticeListener): () => void {
    let listeners = this.#listeners.get(mailbox);
    if (!listeners) this.#listeners.set(mailbox, listeners = new Set());
    // WHY: an entry of its own, so that the same function may listen twice.
    const entry: NoticeListener = (modseq, arrived) => listener(modseq, arrived);
    listeners.add(entry);
    return () => {
      listeners.delete(entry);
      if (listeners.size === 0 && this.#listeners.get(mailbox) === listeners) {
        this.#listeners.delete(mailbox);
      }
    };
  }

  /** Hears of every mailbox that changes, anywhere, until the returned function is called. */
  onAny(listener: (mailbox: MailboxId) => void): () => void {
    this.#any.add(listener);
    return () => void this.#any.delete(listener);
  }

  /** Starts hearing other isolates; needed once per isolate. Disposing sends what is pending. */
  async start(): Promise<AsyncDisposable> {
    const listening = await this.db.listen(
      CHANNEL,
      (payload) => this.#heard(payload),
      () => this.#gap(),
    );
    return {
      [Symbol.asyncDispose]: async () => {
        await this.settled();
        await listening[Symbol.asyncDispose]();
      },
    };
  }

  /** Sends what waits, once, and resolves when no timer and no statement is left. */
  async settled(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sending;
    clearTimeout(this.#timer);
    if (this.#pending.size > 0) await this.#send();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #flush(): void {
    // WHY: one NOTIFY under way at a time; what comes meanwhile goes in the next.
    this.#sending ??= this.#send().then((sent) => {
      this.#sending = undefined;
      this.#timer = this.#pending.size > 0
        ? setTimeout(() => this.#flush(), sent ? BUSY_COALESCE_MS : RETRY_MS)
        : undefined;
    });
  }

  /** Never throws; what could not be sent is pending again. */
  async #send(): Promise<boolean> {
    const pending = this.#pending;
    this.#pending = new Map();
    this.#sentAt = performance.now();
    try {
      for (const payload of payloads(this.options.workerId, pending)) {
        await this.db.notify(CHANNEL, payload);
      }
      return true;
    } catch {
      // WHY: no log, the database reports its own trouble; a notice lost is found by polls.
      for (const [mailbox, modseq] of pending) {
        if (this.#pending.size >= PENDING_MAX) break;
        if (!this.#pending.has(mailbox)) this.#pending.set(mailbox, modseq);
      }
      return false;
    }
  }

  #heard(payload: string): void {
    const [worker, ...changes] = payload.split(" ");
    if (worker === this.options.workerId) return;
    for (const change of changes) {
      const [mailbox, modseq] = change.split(":").map(Number);
      if (Number.isSafeInteger(mailbox) && Number.isSafeInteger(modseq)) {
        this.#tell(mailbox as MailboxId, modseq as Modseq);
      }
    }
  }

  #gap(): void {
    for (const mailbox of [...this.#listeners.keys()]) this.#tell(mailbox, null);
  }

  #tell(mailbox: MailboxId, modseq: Modseq | null, arrived?: readonly Uid[]): void {
    // WHY: what stands for an account is no mailbox.
    if (mailbox > 0) { for (const listener of this.#any) listener(mailbox); }
    for (const listener of [...this.#listeners.get(mailbox) ?? []]) listener(modseq, arrived);
  }
}

/** WHY: one channel for both; no mailbox has such an id. */
function ofAccount(account: AccountId): MailboxId {
  return -account as MailboxId;
}

/** "worker mailbox:modseq mailbox:modseq …", as few as the limit allows. */
function* payloads(
  worker: string,
  changes: ReadonlyMap<MailboxId, Modseq>,
): Generator<string, void> {
  let payload = worker;
  for (const [mailbox, modseq] of changes) {
    const change = ` ${mailbox}:${modseq}`;
    if (payload.length + change.length > PAYLOAD_BYTES_MAX) {
      yield payload;
      payload = worker;
    }
    payload += change;
  }
  if (payload !== worker) yield payload;
}
