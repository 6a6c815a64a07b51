import type { Uid } from "../../../lib/ids.ts";
import { NumberSet } from "../../../lib/number_set.ts";
import { inTurns } from "../../../lib/pace.ts";
import { Refused } from "../../../lib/refused.ts";
import type { SortCriterion } from "../../../store/sort_criterion.ts";
import type { UidSet } from "../../../store/uid_set.ts";
import type { Context } from "../../command.ts";
import type { LiveResult, News } from "../../view/contexts.ts";
import { lastUid } from "../../view/uid_list.ts";
import type { View } from "../../view/view.ts";
import { renderQuoted } from "../../wire/quote.ts";
import { sendNew } from "../fetch.ts";
import type { FetchItem } from "../fetch/items.ts";
import { evaluateIn, type Searcher } from "./evaluate.ts";
import type { SearchKey } from "./key.ts";
import { type LastingKey, lastingKey } from "./lasting_key.ts";
import { renderSet } from "./render_set.ts";
import { resolve } from "./resolve.ts";
import { resultChanges, type Run } from "./result_changes.ts";

const SECOND_MS = 1_000;

/** What a command found, and how. */
export interface Kept {
  /** In the order of the answer. */
  readonly uids: readonly Uid[];
  readonly key: SearchKey;
  /** null: in the order of the mailbox. */
  readonly criteria: readonly SortCriterion[] | null;
  /** More results than this are refused; 0: any number. */
  readonly resultsMax: number;
  /** RFC 5465 §7: what to fetch of new messages that are added. */
  readonly items: readonly FetchItem[];
  readonly byUid: boolean;
  /** What the correlator has behind the tag: RFC 7377 §2.1. */
  readonly where: string;
}

/** The result of SEARCH or SORT with UPDATE: RFC 5267 §4.3. */
export class LiveSearch implements LiveResult {
  readonly tag: string;
  readonly ages: boolean;
  readonly #kept: Omit<Kept, "uids" | "key">;
  readonly #view: View;
  readonly #context: Follower;
  readonly #searcher: Searcher;
  readonly #key: LastingKey;
  #uids: Uint32Array;
  /** The last message as it was when `*` was last looked at. */
  #last: number;
  #agedAtMs = Date.now();

  constructor({ uids, key, ...kept }: Kept, context: Context<"selected">) {
    const { tag, session, services, reply, enabled, connection, memory } = context;
    const { view } = session;
    this.tag = tag;
    this.#kept = kept;
    this.#view = view;
    this.#context = { session, services, reply, enabled, connection, memory };
    this.#searcher = {
      services,
      reply,
      cancelled: connection.signal,
      progress: { report: () => {} },
    };
    this.#key = lastingKey(key, view);
    this.#uids = Uint32Array.from(uids);
    this.#last = lastUid(view.list);
    this.ages = this.#key.agesS.length > 0;
  }

  get sizeBytes(): number {
    return this.#uids.byteLength + this.#key.sizeBytes;
  }

  async remove(gone: UidSet): Promise<void> {
    await this.#become(this.#uids.filter((uid) => !gone.has(uid as Uid)));
  }

  async update({ arrived, changed }: News): Promise<void> {
    const news = this.#key.isSettled ? arrived : union([arrived, changed]);
    const uids = union([news, this.#atStar(), await this.#aged()]);
    if (uids.isEmpty) return;
    const matching = await this.#matching(uids);
    if (!matching) return;
    const after = await this.#after(uids, matching);
    const { resultsMax, items } = this.#kept;
    if (resultsMax > 0 && after.length > resultsMax) {
      throw new Refused({ kind: "limit", what: "results" });
    }
    if (items.length > 0) await this.#sendNew(matching.filter((uid) => arrived.has(uid)));
    await this.#become(after);
  }

  /** Messages that `*` may mean, or may have meant. */
  #atStar(): UidSet {
    const before = this.#last;
    this.#last = lastUid(this.#view.list);
    if (!this.#key.hasStar || before === this.#last) return NONE;
    return NumberSet.from([before, this.#last].filter((uid) => uid > 0) as Uid[]);
  }

  /** Messages that have come of age since the last time: RFC 5032. */
  async #aged(): Promise<UidSet> {
    const from = this.#agedAtMs;
    const before = this.#agedAtMs = Date.now();
    if (!this.ages) return NONE;
    const any = this.#key.agesS.map((seconds) => ({
      internalDate: {
        from: new Date(from - (seconds + 1) * SECOND_MS),
        before: new Date(before - (seconds - 1) * SECOND_MS),
      },
    }));
    const { messages, mailbox } = this.#view;
    return NumberSet.from((await messages.search(mailbox.id, { any })).uids);
  }

  /** null when the client has left meanwhile. */
  async #matching(uids: UidSet): Promise<readonly Uid[] | null> {
    const among: SearchKey = { kind: "stored", condition: { uids } };
    const key = resolve({ kind: "all", keys: [among, this.#key.key] }, this.#view);
    try {
      return await evaluateIn(this.#view, key, this.#searcher);
    } catch (error) {
      if (this.#searcher.cancelled.aborted) return null;
      throw error;
    }
  }

  /** The result when these messages, and no others of `uids`, match. */
  async #after(uids: UidSet, matching: readonly Uid[]): Promise<Uint32Array> {
    const { criteria } = this.#kept;
    const matches = NumberSet.from(matching);
    const rest = this.#uids.filter((uid) => !uids.has(uid as Uid) || matches.has(uid as Uid));
    const added = new Set<number>(matching);
    for (const uid of rest) added.delete(uid);
    if (added.size === 0) return rest;
    const all = Uint32Array.from([...rest, ...added]);
    if (!criteria) return all.sort();
    const { messages, mailbox } = this.#view;
    const wanted = {
      uids: NumberSet.from(all.sort() as Iterable<number> as Iterable<Uid>),
      criteria,
    };
    return Uint32Array.from(await messages.sort(mailbox.id, wanted));
  }

  async #sendNew(uids: readonly Uid[]): Promise<void> {
    try {
      await sendNew(this.#kept.items, NumberSet.from(uids), this.#context);
    } catch (error) {
      // WHY: a message that cannot be shown as the client wants it can be added all the same.
      if (!(error instanceof Refused && error.refusal.kind === "unknown-encoding")) throw error;
    }
  }

  async #become(after: Uint32Array): Promise<void> {
    if (after.length === this.#uids.length && after.every((uid, at) => uid === this.#uids[at])) {
      return;
    }
    const { removed, added } = await inTurns(resultChanges(this.#uids, after));
    this.#uids = after;
    const { byUid, where } = this.#kept;
    const { reply } = this.#context;
    reply.raw(`* ESEARCH (TAG ${renderQuoted(this.tag)}${where})${byUid ? " UID" : ""}`);
    for (const [name, runs] of [["REMOVEFROM", removed], ["ADDTO", added]] as const) {
      if (runs.length > 0) reply.raw(` ${name} (${await this.#render(runs)})`);
    }
    reply.raw("\r\n");
    await reply.drained();
  }

  /** `context-position SP sequence-set *(SP …)`: RFC 5267 §5. */
  async #render(runs: readonly Run[]): Promise<string> {
    const { byUid, criteria } = this.#kept;
    const numberOf = (uid: number) => byUid ? uid : this.#view.numberOf(uid as Uid) ?? 0;
    const pairs: string[] = [];
    // RFC 5267 §4.3.3: 0 where the order is that of the mailbox, and the set is shortest then.
    const told = criteria
      ? runs
      : [{ position: 0, uids: runs.flatMap(({ uids }) => uids).sort(up) }];
    for (const { position, uids } of told) {
      pairs.push(`${position} ${await inTurns(renderSet(uids, numberOf))}`);
    }
    return pairs.join(" ");
  }
}

/** What telling needs of the session. */
type Follower = Pick<
  Context<"selected">,
  "session" | "services" | "reply" | "enabled" | "connection" | "memory"
>;

const NONE: UidSet = NumberSet.of([]);

function union(sets: readonly UidSet[]): UidSet {
  return NumberSet.of(sets.flatMap(({ ranges }) => ranges));
}

function up(a: number, b: number): number {
  return a - b;
}
