import type { AccessibleMailbox } from "../../auth/mailbox_access.ts";
import { type Modseq, NUMBER_MAX, type Sequence, type Uid } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";
import { Refused } from "../../lib/refused.ts";
import type { Changeable, Expunged, MessageState, StoredFlags } from "../../store/messages.ts";
import type { UidSet } from "../../store/uid_set.ts";
import type { Enabled } from "../enabled.ts";
import type { Replies } from "../replies.ts";
import type { SequenceSet } from "../wire/sequence_set.ts";
import { WireError } from "../wire/wire_error.ts";
import { flagRights } from "../flag_rights.ts";
import { flagsText } from "./flags_text.ts";
import { Contexts } from "./contexts.ts";
import { Keywords } from "./keywords.ts";
import { expungeLines } from "./expunge_lines.ts";
import { FlagNews } from "./flag_news.ts";
import {
  expunged,
  indexOf,
  type IndexRange,
  indexRanges,
  lastUid,
  missingUids,
  spannedUids,
  type UidList,
} from "./uid_list.ts";
import { changesSince, type Snapshot } from "./uid_map.ts";
import { vanishedLines } from "./vanished_lines.ts";
import type { RightsWatch } from "./rights_watch.ts";
import { Recency } from "./recency.ts";
import type { Opened, ViewServices } from "./opened.ts";
import type { Held } from "./uid_maps.ts";

/**
 * One session's picture of its mailbox: what the client has been told, and nothing else. Sequence
 * numbers mean positions in this picture; only `tell` changes it, and says so to the client.
 */
export class View {
  readonly messages: Opened["messages"];
  readonly readOnly: boolean;
  readonly firstUnseen: Opened["firstUnseen"];
  readonly enabled: Enabled;
  /** Searches whose results the client keeps. */
  readonly contexts: Contexts;
  readonly #services: ViewServices;
  readonly #held: Held;
  readonly #recency: Recency;
  readonly #keywords: Keywords;
  readonly #news: FlagNews;
  #told: Snapshot;
  #toldRecent: number;
  #closed = false;
  #usesNumbers = false;
  /** What `$` means. */
  #saved: UidSet = NumberSet.of<Uid>([]);
  readonly #rights: RightsWatch;

  constructor(services: ViewServices, opened: Opened) {
    const { rights, messages, readOnly, firstUnseen, enabled, held } = opened;
    this.#rights = rights;
    this.messages = messages;
    this.readOnly = readOnly;
    this.firstUnseen = firstUnseen;
    this.enabled = enabled;
    this.#services = services;
    this.#held = held;
    this.contexts = new Contexts(this, held.map);
    this.#recency = new Recency(this.mailbox.recentUid, enabled);
    this.#keywords = new Keywords(this.mailbox.keywords, () => this.changeable);
    this.#told = held.map.now;
    this.#news = new FlagNews(held.map.now.modseq);
    this.#toldRecent = this.recent;
  }

  /** As it was when it was selected, but for the rights; `id` and `accountId` never change. */
  get mailbox(): AccessibleMailbox {
    return this.#rights.mailbox;
  }

  /** What this client may change about the flags of messages: RFC 4314 §4. */
  get changeable(): Changeable {
    return this.readOnly ? NOTHING : flagRights(this.mailbox.rights);
  }

  /** How many messages the client knows of: RFC 3501 §7.3.1 EXISTS. */
  get count(): number {
    return this.#told.count;
  }

  /** How many of them are recent in this session: RFC 3501 §7.3.2. */
  get recent(): number {
    return this.#recency.countIn(this.#told);
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

  /**
   * RFC 7162 §3.1.2.1 HIGHESTMODSEQ, as far as this client may believe it: whatever happened up to
   * here it has been told, expunges included (§3.2).
   */
  get highestModseq(): Modseq {
    return this.#told.modseq;
  }

  /**
   * Positions of the messages that a client means. A UID that does not exist means nothing; a
   * number beyond EXISTS is a WireError, except that any set with `*` is empty in an empty mailbox.
   */
  ranges(set: SequenceSet, byUid: boolean): IndexRange[] {
    const { count } = this.#told;
    if (set.isSaved) return indexRanges(this.#told, this.#saved);
    // RFC 9586 §3: message numbers are for nothing any more.
    if (!byUid && this.enabled.uidOnly) throw WireError.because("UIDs are required", "UIDREQUIRED");
    if (!byUid) this.#usesNumbers = true;
    if (count === 0 && (byUid || set.hasStar)) return [];
    if (byUid) return indexRanges(this.#told, set.resolve(lastUid(this.#told)));
    if (set.highest > count) throw new WireError(`message numbers up to ${count}`, 0);
    return set.resolve(count).ranges.map(([low, high]) => [low - 1, high - 1]);
  }

  /**
   * True when the running command has named messages by number: EXPUNGE must wait for the next one,
   * if it is one of those that RFC 3501 §7.4.1 and RFC 7162 §3.2.10.2 name.
   */
  get usesNumbers(): boolean {
    return this.#usesNumbers;
  }

  /**
   * The same as UIDs. Ranges may span UIDs that were expunged, which no message has again, and
   * never reach beyond the messages the client knows.
   */
  uids(set: SequenceSet, byUid: boolean): UidSet {
    return spannedUids(this.#told, this.ranges(set, byUid));
  }

  /** All messages that the client knows. */
  get allRanges(): IndexRange[] {
    return this.count === 0 ? [] : [[0, this.count - 1]];
  }

  /** The same as UIDs. */
  get allUids(): UidSet {
    return spannedUids(this.#told, this.allRanges);
  }

  /** The message's number, undefined when the client does not know the message. */
  numberOf(uid: Uid): Sequence | undefined {
    const at = indexOf(this.#told, uid);
    return at < 0 ? undefined : at + 1 as Sequence;
  }

  /** Keeps the result of a search for `$`: RFC 5182 §2.1. */
  save(uids: UidSet): void {
    this.#saved = uids;
  }

  /** UIDs as the client names them, those of expunged messages included. */
  namedUids(set: SequenceSet): UidSet {
    if (set.isSaved) return this.#saved;
    return set.resolve(this.uidNext - 1 as Uid);
  }

  /**
   * Which of these UIDs had a message that was expunged after `since`: VANISHED (EARLIER) of RFC 7162
   * §3.2.6. Every UID without a message when nobody remembers any more when they went. Never one that
   * the client still has.
   */
  async vanishedSince(uids: UidSet, since: Modseq): Promise<UidSet> {
    const gone = await this.messages.expungedSince(this.mailbox.id, { uids, since });
    if (gone === null) return missingUids(this.#told, { uids, below: this.uidNext });
    return NumberSet.from([...gone.values()].filter((uid) => indexOf(this.#told, uid) < 0));
  }

  /** The messages at these positions that changed after `since`, in UID order. */
  changedSince(ranges: readonly IndexRange[], since: Modseq): Promise<MessageState[]> {
    const uids = spannedUids(this.#told, ranges);
    return this.messages.changedSince(this.mailbox.id, { uids, since });
  }

  /**
   * How the FETCH response of a message begins, for a client that knows the message; with UIDONLY
   * `* 25996 UIDFETCH (` (RFC 9586 §3.3).
   */
  fetchHead(uid: Uid): string {
    if (this.enabled.uidOnly) return `* ${uid} UIDFETCH (`;
    return `* ${this.numberOf(uid)} FETCH (`;
  }

  /** UIDs that are recent in this session. */
  get recentUids(): UidSet {
    const first = this.uidAt(this.count - this.recent + 1 as Sequence);
    return NumberSet.of(first === undefined ? [] : [[first, NUMBER_MAX as Uid]]);
  }

  /** The UID of message `n`, undefined beyond the end. */
  uidAt(n: Sequence): Uid | undefined {
    return n >= 1 && n <= this.count ? this.#told.uids[n - 1] as Uid : undefined;
  }

  /** RFC 3501 §2.3.2 \Recent: the message arrived since the last session that could say so. */
  isRecent(uid: Uid): boolean {
    return this.#recency.has(uid);
  }

  /** The result of this session's own STORE, which it reports itself: `tell` does not repeat it. */
  stored({ modseq, stored }: StoredFlags): void {
    const changed = stored.filter((state) => state.modseq !== state.previousModseq);
    // WHY: without a change `modseq` is that of somebody else's, which must be told.
    if (changed.length === 0) return;
    this.#held.map.absorbFlags(modseq, changed);
    this.#news.addOwn(modseq, () => NumberSet.from(changed.map(({ uid }) => uid)));
  }

  /** The result of this session's own EXPUNGE, which `tell` announces. */
  expunged({ modseq, expunged }: Expunged): void {
    const changes = Array.from(
      expunged.values(),
      (uid) => ({ uid, flags: 0, keywords: [], modseq, expunged: true }),
    );
    if (changes.length > 0) this.#held.map.absorb(modseq, changes);
    else this.#held.map.confirm(modseq);
  }

  /** True when the client does not know this state of a message: somebody else made it just now. */
  isNews(modseq: Modseq): boolean {
    return this.#news.isNews(modseq);
  }

  /**
   * `MODSEQ (12)`: whoever sends one says it here. RFC 7162 §3.2: a client may take it for all that
   * happened before, so that the next `tell` has to catch up with it.
   */
  modseqItem(modseq: Modseq): string {
    this.#held.map.notice(modseq);
    return `MODSEQ (${modseq})`;
  }

  /**
   * A whole FETCH response about flags that were changed: with UID and MODSEQ where an extension wants
   * them (RFC 7162 §3.2.4, RFC 9051 §7.5.2). `byUid`: for a UID command. `silent`: without FLAGS.
   */
  flagsLine(
    state: MessageState,
    { byUid = false, silent = false }: { readonly byUid?: boolean; readonly silent?: boolean } = {},
  ): string {
    const { condstore, rev2, uidOnly } = this.enabled;
    // QUIRK: no UID here otherwise, as mbsync 1.3–1.4 takes a FETCH with UID for a listed message.
    const hasUid = !uidOnly && (byUid || condstore || rev2 || this.enabled.has("NOTIFY"));
    let items = hasUid ? ` UID ${state.uid}` : "";
    if (condstore) items += ` ${this.modseqItem(state.modseq)}`;
    if (!silent) items += ` FLAGS ${this.flags(state)}`;
    return `${this.fetchHead(state.uid)}${items.slice(1)})\r\n`;
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

  /**
   * From now on the rights of now count; a client whose rights to flags have changed is told so (RFC
   * 4314 §5.1.1). Throws `gone` when the mailbox may not be read any more.
   */
  async renewRights(reply: Replies): Promise<void> {
    if (!await this.#rights.hasChanged()) return;
    for (const line of this.flagLists) reply.untagged(line);
  }

  /** Calls `listener` whenever `tell` may have news, until the returned function is called. */
  onChange(listener: () => void): () => void {
    const stops = [this.#held.map.onNotice(listener), this.contexts.onDue(listener)];
    return () => stops.forEach((stop) => stop());
  }

  /**
   * Brings the client up to date: EXPUNGE (highest first) or VANISHED, EXISTS, RECENT, and FETCH FLAGS
   * for what others changed. Without `expunges` (RFC 3501 §7.4.1) numbering stays as it is if anything was
   * expunged. One call at a time. Throws `gone` when the picture can no longer be kept true, because
   * the mailbox was deleted: the session has to end then (RFC 2180 §3.3 leaves it to us).
   */
  async tell(
    reply: Replies,
    { expunges, unasked = false }: {
      readonly expunges: boolean;
      /** Nobody waits for it: what costs much may come later. */
      readonly unasked?: boolean;
    },
  ): Promise<void> {
    const { map } = this.#held;
    this.#usesNumbers = false;
    await this.renewRights(reply);
    await map.refresh();
    if (map.gone) throw new Refused({ kind: "gone", what: "selected mailbox" });
    const { now } = map;
    if (now !== this.#told) await this.#tellNews(now, { expunges }, reply);
    await this.contexts.tell(now, { unasked });
  }

  /** Lets go of the mailbox. What the client was told of is no longer recent: RFC 3501 §2.3.2. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.contexts[Symbol.dispose]();
    this.#held[Symbol.dispose]();
    this.claimRecent();
  }

  async #tellNews(
    now: Snapshot,
    { expunges }: { readonly expunges: boolean },
    reply: Replies,
  ): Promise<void> {
    const known = lastUid(this.#told);
    const isHeld = !expunges && now.generation !== this.#told.generation;
    const gone = isHeld && this.contexts.isEmpty ? [] : expunged(this.#told, now);
    if (gone === null) throw new Refused({ kind: "gone", what: "message numbers" });
    if (!this.contexts.isEmpty) await this.contexts.tellGone(this.#uidsAt(gone));
    if (!isHeld) this.#tellNumbers(now, gone, reply);
    await this.#tellFlags({ upTo: now.modseq, known }, reply);
    // RFC 7162 §3.2: who leaves now must come back for the expunges that it has not been told.
    if (isHeld && this.enabled.qresync) {
      reply.untagged(`OK [HIGHESTMODSEQ ${this.highestModseq}] Expunged messages are still listed`);
    }
  }

  #tellNumbers(now: Snapshot, gone: readonly number[], reply: Replies): void {
    for (const lines of this.#goneLines(gone)) reply.raw(lines);
    const arrived = now.count > this.#told.count - gone.length;
    this.#told = now;
    if (arrived) reply.untagged(`${now.count} EXISTS`);
    const { recent } = this;
    if (recent !== this.#toldRecent && !this.enabled.rev2) reply.untagged(`${recent} RECENT`);
    this.#toldRecent = recent;
  }

  /** Flag changes of messages up to the UID `known`: newer ones have just been announced whole. */
  async #tellFlags(
    { upTo, known }: { readonly upTo: Modseq; readonly known: number },
    reply: Replies,
  ): Promise<void> {
    const { map } = this.#held;
    const since = (modseq: Modseq) => {
      const cached = map.flagsSince(modseq);
      return cached ? [cached] : changesSince(this.messages, this.mailbox.id, modseq);
    };
    for await (const news of this.#news.upTo(upTo, { since, known })) {
      this.announceKeywords(news, reply);
      const known = news.filter(({ uid }) => this.numberOf(uid) !== undefined);
      reply.raw(known.map((state) => this.flagsLine(state)).join(""));
      await reply.drained();
    }
  }

  #goneLines(positions: readonly number[]): Generator<string> {
    if (!this.enabled.qresync && !this.enabled.uidOnly) return expungeLines(positions);
    return vanishedLines(this.#uidsAt(positions));
  }

  #uidsAt(positions: readonly number[]): UidSet {
    return NumberSet.from(positions.map((at) => this.#told.uids[at] as Uid));
  }

  /** What the client was told of is recent to nobody else: RFC 3501 §2.3.2. */
  claimRecent(): void {
    const below = this.readOnly || this.mailbox.isForeign ? null : this.#recency.claim(this.#told);
    if (below === null) return;
    this.#services.mailboxes.claimRecent(this.mailbox.id, below);
  }
}

const NOTHING: Changeable = { flags: 0, keywords: false };
