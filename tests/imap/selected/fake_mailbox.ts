import { ALL_RIGHTS } from "../../../src/auth/rights.ts";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { User } from "../../../src/auth/authenticator.ts";
import { Enabled } from "../../../src/imap/enabled.ts";
import { Replies } from "../../../src/imap/replies.ts";
import { UidMaps } from "../../../src/imap/view/uid_maps.ts";
import { openView } from "../../../src/imap/view/open_view.ts";
import type { View } from "../../../src/imap/view/view.ts";
import type { AccountId, MailboxId, Modseq, Uid, UidValidity } from "../../../src/lib/ids.ts";
import { NumberSet } from "../../../src/lib/number_set.ts";
import { Refused } from "../../../src/lib/refused.ts";
import type { Connection } from "../../../src/net/connection.ts";
import { logger } from "../../../src/observe/log.ts";
import type { Mailbox } from "../../../src/store/mailboxes.ts";
import type { Change, Expunged, MessageStore, StoredFlags } from "../../../src/store/messages.ts";
import type { Since } from "../../../src/store/read_since.ts";
import type { NoticeListener } from "../../../src/store/notices.ts";

const USER: User = { accountId: 1 as AccountId, address: "ada@example.org" };

/** One mailbox as the store would have it, in memory; everything takes a turn or more. */
export class FakeMailbox {
  readonly id = 7 as MailboxId;
  readonly live = new Map<Uid, Change>();
  readonly #expunged: Change[] = [];
  readonly #listeners = new Set<NoticeListener>();
  modseq = 1 as Modseq;
  nextUid = 1;
  recentUid = 1 as Uid;
  deleted = false;
  /** Expunges up to here are forgotten. */
  floor = 0;
  /** Notices that arrive by themselves; without them only a recheck finds out. */
  notifies = true;
  /** How many turns the next queries take. */
  delay: () => number = () => 0;
  queries = { uids: 0, changes: 0 };

  readonly messages = {
    viewedBy: (): MessageStore => this.messages as unknown as MessageStore,
    uids: async () => {
      this.queries.uids++;
      await this.#wait();
      this.#checkLive();
      return { uids: Uint32Array.from(this.live.keys()), modseq: this.modseq };
    },
    changes: async (_id: MailboxId, since: Modseq, limit: number) => {
      this.queries.changes++;
      await this.#wait();
      this.#checkLive();
      const all = [...this.live.values(), ...this.#expunged]
        .filter(({ modseq }) => modseq > since)
        .sort((a, b) => a.modseq - b.modseq || a.uid - b.uid);
      const last = all[limit - 1]?.modseq ?? Infinity;
      await this.#wait();
      return all.filter(({ modseq }) => modseq <= last);
    },
    changedSince: (_id: MailboxId, { uids, since }: Since) =>
      Promise.resolve(
        [...this.live.values()].filter(({ uid, modseq }) => uids.has(uid) && modseq > since),
      ),
    expungedSince: (_id: MailboxId, { uids, since }: Since) =>
      Promise.resolve(
        since < this.floor ? null : NumberSet.from(
          this.#expunged.filter(({ uid, modseq }) => uids.has(uid) && modseq > since)
            .map(({ uid }) => uid),
        ),
      ),
    firstUnseen: () =>
      Promise.resolve([...this.live.values()].find(({ flags }) => !(flags & 1))?.uid ?? null),
  };

  readonly mailboxes = {
    find: () => Promise.resolve(this.row),
    claimRecent: (_id: MailboxId, below: Uid) => {
      if (below > this.recentUid) this.recentUid = below;
      return Promise.resolve();
    },
    modseqs: () => Promise.resolve(new Map(this.deleted ? [] : [[this.id, this.modseq] as const])),
  };

  readonly notices = {
    on: (_id: MailboxId, listener: NoticeListener) => {
      this.#listeners.add(listener);
      return () => void this.#listeners.delete(listener);
    },
  };

  get row(): Mailbox {
    return {
      id: this.id,
      accountId: USER.accountId,
      domain: null,
      name: "INBOX",
      uidValidity: 1 as UidValidity,
      uidNext: this.nextUid as Uid,
      highestModseq: this.modseq,
      messages: this.live.size,
      unseen: [...this.live.values()].filter(({ flags }) => !(flags & 1)).length,
      sizeBytes: 0,
      specialUse: null,
      keywords: [],
      recentUid: this.recentUid,
    };
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  get uids(): Uid[] {
    return [...this.live.keys()];
  }

  maps(bytesMax?: number): UidMaps {
    const options = bytesMax === undefined ? {} : { bytesMax };
    return new UidMaps({ ...this, ...options, log: logger("test") });
  }

  view(maps: UidMaps, { readOnly = false, enabled = new Enabled() } = {}): Promise<View> {
    const { mailboxes, messages } = this;
    const access = {
      find: async () => ({
        ...await mailboxes.find(),
        treeName: "INBOX",
        owner: USER.address,
        viewer: null,
        rights: ALL_RIGHTS,
        isForeign: false,
      }),
      renew: () => Promise.resolve(null),
    };
    const services = { access, mailboxes, messages, maps, log: logger("test") };
    return openView(services, { user: USER, name: "INBOX" }, { readOnly, enabled });
  }

  append(count = 1): void {
    this.#bump();
    for (let i = 0; i < count; i++) {
      const uid = this.nextUid++ as Uid;
      this.live.set(uid, { uid, flags: 0, keywords: [], modseq: this.modseq, expunged: false });
    }
    this.notify();
  }

  expunge(uids: readonly Uid[]): Expunged {
    const modseq = this.#bump();
    for (const uid of uids) {
      if (!this.live.delete(uid)) continue;
      this.#expunged.push({ uid, flags: 0, keywords: [], modseq, expunged: true });
    }
    this.notify();
    return { modseq, expunged: NumberSet.from(uids) };
  }

  setFlags(uids: readonly Uid[], change: (flags: number) => number): StoredFlags {
    const modseq = this.modseq + 1 as Modseq;
    const stored = uids.flatMap((uid) => {
      const old = this.live.get(uid);
      if (!old) return [];
      const flags = change(old.flags);
      const state = flags === old.flags ? old : { ...old, flags, modseq };
      this.live.set(uid, state);
      return [{ ...state, previousModseq: old.modseq }];
    });
    // WHY: as in the store, a change that changes nothing takes no MODSEQ.
    if (stored.some((state) => state.modseq === modseq)) this.#bump();
    this.notify();
    return { modseq: this.modseq, stored, modified: [] };
  }

  notify(modseq: Modseq | null = this.modseq): void {
    if (this.notifies) { for (const listener of this.#listeners) listener(modseq); }
  }

  #bump(): Modseq {
    return this.modseq = this.modseq + 1 as Modseq;
  }

  #checkLive(): void {
    if (this.deleted) throw new Refused({ kind: "gone", what: "mailbox" });
  }

  async #wait(): Promise<void> {
    for (let turns = this.delay(); turns > 0; turns--) await nextTurn();
  }
}

/** Replies that are kept as text, and taken line by line. */
export class Heard {
  readonly reply: Replies;
  #text = "";

  constructor() {
    const connection = {
      write: (data: string) => void (this.#text += data),
      drained: () => Promise.resolve(),
    };
    this.reply = new Replies(connection as unknown as Connection, new Enabled());
  }

  /** The lines since the last call, without `* ` and CRLF. */
  take(): string[] {
    const lines = this.#text.split("\r\n").slice(0, -1);
    this.#text = "";
    return lines.map((line) => line.replace(/^\* /, ""));
  }
}
