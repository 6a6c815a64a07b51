import type { User } from "../../auth/authenticator.ts";
import type { AccessibleMailbox, MailboxAccess } from "../../auth/mailbox_access.ts";
import type { Modseq, Sequence, Uid } from "../../lib/ids.ts";
import { Refused } from "../../lib/refused.ts";
import type { Log } from "../../observe/log.ts";
import type { MailboxStore } from "../../store/mailboxes.ts";
import type { Expunged, MessageState, MessageStore, StoredFlags } from "../../store/messages.ts";
import type { UidSet } from "../../store/uid_set.ts";
import type { Replies } from "../replies.ts";
import type { SequenceSet } from "../wire/sequence_set.ts";
import { WireError } from "../wire/wire_error.ts";
import { flagsText } from "./flags_text.ts";
import { Keywords } from "./keywords.ts";
import { expungeLines } from "./expunge_lines.ts";
import {
  expunged,
  indexOf,
  type IndexRange,
  indexRanges,
  lastUid,
  lowerBound,
  spannedUids,
  type UidList,
} from "./uid_list.ts";
import { changesSince } from "./uid_map.ts";
import type { Held, UidMaps } from "./uid_maps.ts";

/** What a view asks of the services. */
export interface ViewServices {
  readonly access: Pick<MailboxAccess, "find">;
  readonly mailboxes: Pick<MailboxStore, "claimRecent">;
  readonly messages: Pick<MessageStore, "firstUnseen" | "changes">;
  readonly maps: Pick<UidMaps, "open">;
  readonly log: Log;
}

/**
 * One session's picture of its mailbox: what the client has been told, and nothing else. Sequence
 * numbers mean positions in this picture; only `tell` changes it, and says so to the client.
 */
export class View {
  readonly #services: ViewServices;
  readonly #held: Held;
  readonly #recentFrom: Uid;
  readonly #keywords: Keywords;
  /** Our own changes that the map will bring back to us. */
  readonly #own = new Set<Modseq>();
  #told: UidList;
  #toldModseq: Modseq;
  #toldRecent: number;
  #claimed: Uid;
  #closed = false;

  private constructor(
    /** As it was when it was selected; `id` and `accountId` never change. */
    readonly mailbox: AccessibleMailbox,
    /** EXAMINE: nothing may be changed, not even \Recent and \Seen. */
    readonly readOnly: boolean,
    /** The first message without \Seen when the mailbox was selected: RFC 3501 §7.1 UNSEEN. */
    readonly firstUnseen: Sequence | undefined,
    { services, held }: { readonly services: ViewServices; readonly held: Held },
  ) {
    this.#services = services;
    this.#held = held;
    this.#recentFrom = mailbox.recentUid;
    this.#claimed = mailbox.recentUid;
    this.#keywords = new Keywords(mailbox.keywords, readOnly);
    this.#told = held.map.now;
    this.#toldModseq = held.map.now.modseq;
    this.#toldRecent = this.recent;
  }

  /** Opens a mailbox of this user's. Throws `no-such-mailbox`. */
  static async open(
    services: ViewServices,
    user: User,
    name: string,
    { readOnly }: { readonly readOnly: boolean },
  ): Promise<View> {
    const { access, messages, maps } = services;
    const mailbox = await access.find(user, name, ["r"]);
    const unseen = mailbox.unseen > 0 ? await messages.firstUnseen(mailbox.id) : null;
    const held = await maps.open(mailbox.id, mailbox.highestModseq).catch((error) => {
      throw isGone(error) ? new Refused({ kind: "no-such-mailbox", name }) : error;
    });
    const at = unseen === null ? -1 : indexOf(held.map.now, unseen);
    const first = at < 0 ? undefined : at + 1 as Sequence;
    const view = new View(mailbox, readOnly, first, { services, held });
    try {
      await view.#claimRecent();
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
    return view;
  }

  /** How many messages the client knows of: RFC 3501 §7.3.1 EXISTS. */
  get count(): number {
    return this.#told.count;
  }

  /** How many of them are recent in this session: RFC 3501 §7.3.2. */
  get recent(): number {
    return this.#told.count - lowerBound(this.#told, this.#recentFrom);
  }

  /** The next UID as the client may believe it: above every UID that it has been told. */
  get uidNext(): Uid {
    return Math.max(this.mailbox.uidNext, lastUid(this.#told) + 1) as Uid;
  }

  /** Every flag and keyword that may occur, and those that may be set: RFC 3501 §7.2.6, §7.1. */
  get flagLists(): string[] {
    return this.#keywords.lines;
  }

  /** What the client has been told of: for reading only, and only until the next `tell`. */
  get list(): UidList {
    return this.#told;
  }

  /** The client knows every flag change up to here. */
  get toldModseq(): Modseq {
    return this.#toldModseq;
  }

  /**
   * Positions of the messages that a client means. A UID that does not exist means nothing; a
   * number beyond EXISTS is a WireError, except that any set with `*` is empty in an empty mailbox.
   */
  ranges(set: SequenceSet, byUid: boolean): IndexRange[] {
    const { count } = this.#told;
    if (count === 0 && (byUid || set.hasStar)) return [];
    if (byUid) return indexRanges(this.#told, set.resolve(lastUid(this.#told)));
    if (set.highest > count) throw new WireError(`message numbers up to ${count}`, 0);
    return set.resolve(count).ranges.map(([low, high]) => [low - 1, high - 1]);
  }

  /**
   * The same as UIDs. Ranges may span UIDs that were expunged, which no message has again, and
   * never reach beyond the messages the client knows.
   */
  uids(set: SequenceSet, byUid: boolean): UidSet {
    return spannedUids(this.#told, this.ranges(set, byUid));
  }

  /** All messages that the client knows. */
  get allUids(): UidSet {
    return spannedUids(this.#told, this.count === 0 ? [] : [[0, this.count - 1]]);
  }

  /** The message's number, undefined when the client does not know the message. */
  numberOf(uid: Uid): Sequence | undefined {
    const at = indexOf(this.#told, uid);
    return at < 0 ? undefined : at + 1 as Sequence;
  }

  /** How the FETCH response of a message begins, for a client that knows the message. */
  fetchHead(uid: Uid): string {
    return `* ${this.numberOf(uid)} FETCH (`;
  }

  /** The UID of message `n`, undefined beyond the end. */
  uidAt(n: Sequence): Uid | undefined {
    return n >= 1 && n <= this.count ? this.#told.uids[n - 1] as Uid : undefined;
  }

  /** RFC 3501 §2.3.2 \Recent: the message arrived since the last session that could say so. */
  isRecent(uid: Uid): boolean {
    return uid >= this.#recentFrom;
  }

  /** The result of this session's own STORE, which it reports itself: `tell` does not repeat it. */
  stored({ modseq, stored }: StoredFlags): void {
    const changed = stored.filter((state) => state.modseq !== state.previousModseq);
    // WHY: without a change `modseq` is that of somebody else's, which must be told.
    if (changed.length === 0) return;
    this.#held.map.absorbFlags(modseq, changed);
    if (modseq === this.#toldModseq + 1) this.#toldModseq = modseq;
    else if (modseq > this.#toldModseq) this.#own.add(modseq);
  }

  /** The result of this session's own EXPUNGE, which `tell` announces. */
  expunged({ modseq, expunged }: Expunged): void {
    const changes = Array.from(
      expunged.values(),
      (uid) => ({ uid, flags: 0, keywords: [], modseq, expunged: true }),
    );
    if (changes.length > 0) this.#held.map.absorb(modseq, changes);
  }

  /** True when the client does not know this state of a message: somebody else made it just now. */
  isNews(modseq: Modseq): boolean {
    return modseq > this.#toldModseq && !this.#own.has(modseq);
  }

  /** The flags of a message as the client sees them, in parentheses. */
  flags(state: Pick<MessageState, "uid" | "flags" | "keywords">): string {
    return flagsText(state, this.isRecent(state.uid));
  }

  /** RFC 3501 §7.2.6: FLAGS again when there are keywords that the client has not heard of. */
  announceKeywords(states: readonly Pick<MessageState, "keywords">[], reply: Replies): void {
    for (const line of this.#keywords.learn(states)) reply.untagged(line);
  }

  /** The next `tell` asks the store even when no notice has come: NOOP, CHECK, our own changes. */
  recheck(): void {
    this.#held.map.distrust();
  }

  /** Calls `listener` whenever `tell` may have news, until the returned function is called. */
  onChange(listener: () => void): () => void {
    return this.#held.map.onNotice(listener);
  }

  /**
   * Brings the client up to date: EXPUNGE (highest first), EXISTS, RECENT, and FETCH FLAGS for what
   * others changed. Without `expunges` (RFC 3501 §7.4.1) numbering stays as it is if anything was
   * expunged. One call at a time. Throws `gone` when the picture can no longer be kept true, because
   * the mailbox was deleted: the session has to end then (RFC 2180 §3.3 leaves it to us).
   */
  async tell(reply: Replies, { expunges }: { readonly expunges: boolean }): Promise<void> {
    const { map } = this.#held;
    await map.refresh();
    if (map.gone) throw new Refused({ kind: "gone", what: "selected mailbox" });
    const now = map.now;
    if (now === this.#told) return;
    const known = lastUid(this.#told);
    if (expunges || now.generation === this.#told.generation) this.#tellNumbers(now, reply);
    await this.#tellFlags({ upTo: now.modseq, known }, reply);
  }

  /** Lets go of the mailbox. What the client was told of is no longer recent: RFC 3501 §2.3.2. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#held[Symbol.dispose]();
    try {
      await this.#claimRecent();
    } catch (error) {
      // WHY: nothing is lost but that some messages are recent once more.
      this.#services.log.warning("recent_not_claimed", { error });
    }
  }

  #tellNumbers(now: UidList, reply: Replies): void {
    const gone = expunged(this.#told, now);
    if (gone === null) throw new Refused({ kind: "gone", what: "message numbers" });
    for (const lines of expungeLines(gone)) reply.raw(lines);
    const arrived = now.count > this.#told.count - gone.length;
    this.#told = now;
    if (arrived) reply.untagged(`${now.count} EXISTS`);
    const { recent } = this;
    if (recent !== this.#toldRecent) reply.untagged(`${recent} RECENT`);
    this.#toldRecent = recent;
  }

  /** Flag changes of messages up to the UID `known`: newer ones have just been announced whole. */
  async #tellFlags(
    { upTo, known }: { readonly upTo: Modseq; readonly known: number },
    reply: Replies,
  ): Promise<void> {
    if (upTo > this.#toldModseq) {
      const cached = this.#held.map.flagsSince(this.#toldModseq);
      const batches = cached ? [cached] : changesSince(
        this.#services.messages,
        this.mailbox.id,
        this.#toldModseq,
      );
      for await (const batch of batches) {
        const news = batch.filter(({ uid, modseq, expunged }) =>
          uid <= known && !expunged && !this.#own.has(modseq)
        );
        this.announceKeywords(news, reply);
        reply.raw(this.#fetchLines(news));
        await reply.drained();
      }
      this.#toldModseq = upTo;
    }
    for (const modseq of this.#own) if (modseq <= this.#toldModseq) this.#own.delete(modseq);
  }

  // QUIRK: no UID here outside QRESYNC, as mbsync 1.3–1.4 takes a FETCH with UID for a listed message.
  #fetchLines(states: readonly MessageState[]): string {
    let lines = "";
    for (const state of states) {
      if (this.numberOf(state.uid) === undefined) continue;
      lines += `${this.fetchHead(state.uid)}FLAGS ${this.flags(state)})\r\n`;
    }
    return lines;
  }

  async #claimRecent(): Promise<void> {
    const below = lastUid(this.#told) + 1 as Uid;
    if (this.readOnly || below <= this.#claimed) return;
    this.#claimed = below;
    await this.#services.mailboxes.claimRecent(this.mailbox.id, below);
  }
}

/** Deleted between two queries: to the client there was no such mailbox. */
function isGone(error: unknown): boolean {
  return error instanceof Refused && error.refusal.kind === "gone";
}
