import type { Sequence } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";
import { Pace } from "../../lib/pace.ts";
import { Refused } from "../../lib/refused.ts";
import type { FlagChange, StoredFlags, StoredState } from "../../store/messages.ts";
import { command, type Completion, type Context } from "../command.ts";
import { enableCondstore } from "../enable_condstore.ts";
import { limitMessages } from "../message_limit.ts";
import { spannedUids } from "../view/uid_list.ts";
import type { View } from "../view/view.ts";
import { type FlagList, readFlags } from "../wire/flags.ts";
import type { Scanner } from "../wire/scanner.ts";

/** WHY: so many FETCH responses are one write, and small enough to queue. */
const RESPONSES_PER_WRITE = 500;

/** STORE and UID STORE: RFC 3501 §6.4.6, RFC 7162 §3.1.3; for all messages that pass, or none. */
export const store = command("STORE", {
  states: ["selected"],
  uid: true,
  expunges: false,
  parse: (wire) => {
    const set = wire.sp().sequenceSet();
    const unchangedSince = wire.sp().peek() === "(" ? modifiers(wire) : undefined;
    return { set, unchangedSince, ...attributes(wire) };
  },
  async execute({ set, unchangedSince, silent, change }, context): Promise<Completion> {
    const { session: { view }, uid } = context;
    if (unchangedSince !== undefined) enableCondstore(context);
    if (view.readOnly) throw new Refused({ kind: "read-only" });
    const permitted: FlagChange = { ...change, within: view.changeable };
    if (!isPermitted(change, view)) throw new Refused({ kind: "not-permitted" });
    const { ranges, completion } = limitMessages(view.ranges(set, uid), context);
    const uids = spannedUids(view.list, ranges);
    if (uids.isEmpty) return {};
    const result = await view.messages.storeFlags(
      view.mailbox.id,
      uids,
      unchangedSince === undefined ? permitted : { ...permitted, unchangedSince },
    );
    const news = toTell(result, { silent, isConditional: unchangedSince !== undefined }, context);
    view.stored(result);
    await respond(news, context);
    const code = modifiedCode(result, context);
    // RFC 9738 §3: what was left out is worth more to know than what failed.
    if (completion && code) context.reply.untagged(`OK [${code}] Conditional STORE failed`);
    return completion ?? (code ? { code, text: "Conditional STORE failed" } : {});
  },
});

/**
 *     store-modifier =/ "UNCHANGEDSINCE" SP mod-sequence-valzer             RFC 7162 §7
 */
function modifiers(wire: Scanner): number {
  const [modseq = 0] = wire.list(() => wire.expect("UNCHANGEDSINCE").sp().modSequenceOrZero());
  wire.sp();
  return modseq;
}

/**
 *     store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP                RFC 3501 §9
 *                       (flag-list / (flag *(SP flag)))
 */
function attributes(wire: Scanner): { readonly silent: boolean; readonly change: FlagChange } {
  const mode = wire.maybe("+") ? "add" : wire.maybe("-") ? "remove" : "replace";
  const silent = wire.expect("FLAGS").maybe(".SILENT");
  return { silent, change: { mode, ...flags(wire.sp()) } };
}

function flags(wire: Scanner): FlagList {
  if (wire.peek() === "(") return wire.flagList();
  const names = [wire.flag()];
  while (wire.maybe(" ")) names.push(wire.flag());
  return readFlags(names);
}

/** RFC 4314 §4: the rest is ignored where the user may change one of the flags at least. */
function isPermitted({ mode, flags, keywords }: FlagChange, { changeable }: View): boolean {
  if (mode === "replace") return changeable.flags !== 0 || changeable.keywords;
  if (flags === 0 && keywords.length === 0) return true;
  return (flags & changeable.flags) !== 0 || keywords.length > 0 && changeable.keywords;
}

/** A FETCH response about a message; `silent`: without FLAGS. */
interface News {
  readonly state: StoredState;
  readonly silent: boolean;
}

/**
 * RFC 3501 §6.4.6: SILENT does not hide what others changed since this client last heard of it. RFC
 * 7162 §3.1.3: nor the new MODSEQ, for which a condition always has an answer.
 */
function toTell(
  { stored }: StoredFlags,
  { silent, isConditional }: { readonly silent: boolean; readonly isConditional: boolean },
  { session: { view }, enabled }: Context<"selected">,
): News[] {
  if (!silent) return stored.map((state) => ({ state, silent: false }));
  const news: News[] = [];
  for (const state of stored) {
    const hidden = !view.isNews(state.previousModseq);
    const isChanged = state.modseq !== state.previousModseq;
    if (!hidden) news.push({ state, silent: false });
    else if (enabled.condstore && (isChanged || isConditional)) news.push({ state, silent: true });
  }
  return news;
}

async function respond(
  news: readonly News[],
  { session: { view }, reply, uid: byUid }: Context<"selected">,
): Promise<void> {
  view.announceKeywords(news.map(({ state }) => state), reply);
  const pace = new Pace();
  for (let from = 0; from < news.length; from += RESPONSES_PER_WRITE) {
    let lines = "";
    for (const { state, silent } of news.slice(from, from + RESPONSES_PER_WRITE)) {
      if (view.numberOf(state.uid) === undefined) continue;
      lines += view.flagsLine(state, { byUid, silent });
    }
    reply.raw(lines);
    await reply.drained();
    await pace.breathe();
  }
}

/** RFC 7162 §3.1.3: as message numbers or UIDs, as the command has them. */
function modifiedCode(
  { modified }: StoredFlags,
  { session: { view }, uid }: Context<"selected">,
): string | undefined {
  const known = modified.filter((each) => view.numberOf(each) !== undefined);
  if (known.length === 0) return undefined;
  const numbers = uid ? known : known.map((each) => view.numberOf(each) as Sequence);
  return `MODIFIED ${NumberSet.from<number>(numbers)}`;
}
