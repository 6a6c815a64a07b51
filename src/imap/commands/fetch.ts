import type { Uid } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";
import { Pace } from "../../lib/pace.ts";
import { FLAG, type MessageRow, type MessageState } from "../../store/messages.ts";
import type { UidSet } from "../../store/uid_set.ts";
import { isDisabled } from "../capability_config.ts";
import { command, type Completion, type Context } from "../command.ts";
import { enableCondstore } from "../enable_condstore.ts";
import { limitMessages } from "../message_limit.ts";
import { StoredMessage } from "../view/stored_message.ts";
import {
  countOf,
  type IndexRange,
  indexRanges,
  spannedUids,
  type UidList,
} from "../view/uid_list.ts";
import { vanishedLines } from "../view/vanished_lines.ts";
import { WireError } from "../wire/wire_error.ts";
import { type FetchItem, fetchItems } from "./fetch/items.ts";
import { type FetchModifiers, fetchModifiers } from "./fetch/modifiers.ts";
import { type Plan, planFetch } from "./fetch/plan.ts";
import { plainResponse } from "./fetch/response.ts";
import { fetchedRows, statesAsRows } from "./fetch/rows.ts";
import { sendResponses } from "./fetch/send.ts";
import type { PartialRange } from "./search/return_options.ts";

/**
 * FETCH and UID FETCH: RFC 3501 §6.4.5, with CHANGEDSINCE and VANISHED (RFC 7162 §3.1.4, §3.2.6) and
 * PARTIAL (RFC 9394 §3.3).
 *
 *     fetch = "FETCH" SP sequence-set SP fetch-items [SP "(" fetch-modifier … ")"]   RFC 4466 §2.4
 */
export const fetch = command("FETCH", {
  states: ["selected"],
  capability: ["BINARY", "OBJECTID", "PREVIEW", "SAVEDATE"],
  uid: true,
  expunges: false,
  parse: (wire) => ({
    set: wire.sp().sequenceSet(),
    items: fetchItems(wire.sp()),
    modifiers: fetchModifiers(wire),
  }),
  async execute({ set, items, modifiers }, context): Promise<Completion> {
    refuseModifiers(modifiers, context);
    prepareItems(items, context);
    const { session: { view }, reply, uid, enabled } = context;
    const { changedSince, vanished, partial } = modifiers;
    const asked = withModseq(items, changedSince !== null);
    if (changedSince !== null) enableCondstore(context);
    const readOnly = view.readOnly || !view.mailbox.rights.has("s");
    const plan = planFetch(asked, { uid: uid && !enabled.uidOnly, readOnly });
    const named = view.ranges(set, uid);
    if (vanished && changedSince !== null) {
      const gone = await view.vanishedSince(view.namedUids(set), changedSince);
      for (const lines of vanishedLines(gone, { earlier: true })) reply.raw(lines);
    }
    const changed = changedSince === null ? null : await view.changedSince(named, changedSince);
    const narrowed = narrow(changed ? positionsOf(changed, view.list) : named, partial);
    const { ranges, completion = {} } = limitMessages(narrowed, context);
    const missing = await send(plan, ranges, { changed, context });
    // RFC 5530 §3: the others were expunged by somebody else, which the client will be told.
    return missing > 0 && !completion.code
      ? { code: "EXPUNGEISSUED", text: "Some messages no longer exist" }
      : completion;
  },
});

/** RFC 7162 §3.1.4.1: who asks for changes gets their MODSEQ, asked for or not. */
function withModseq(items: readonly FetchItem[], isNeeded: boolean): readonly FetchItem[] {
  const has = items.some(({ kind }) => kind === "MODSEQ");
  return isNeeded && !has ? [...items, { kind: "MODSEQ" }] : items;
}

/** What is not announced is refused, and what makes no sense. */
function refuseModifiers(
  { vanished, changedSince, partial }: FetchModifiers,
  { uid, enabled, services: { config } }: Context<"selected">,
): void {
  if (vanished && !(uid && enabled.qresync && changedSince !== null)) {
    throw WireError.because("VANISHED needs UID FETCH, CHANGEDSINCE and QRESYNC");
  }
  if (partial && !uid) throw WireError.because("PARTIAL needs UID FETCH");
  if (partial && isDisabled("PARTIAL", config)) throw WireError.because("PARTIAL is disabled");
}

/** Refuses what is not announced, and enables what an item enables: RFC 7162 §3.1. */
export function prepareItems(
  items: readonly FetchItem[],
  context: Context<"authenticated" | "selected">,
): void {
  const { enabled, services: { config } } = context;
  for (const item of items) {
    const extension = extensions[item.kind];
    if (extension && isDisabled(extension, config)) {
      throw WireError.because(`${extension} is disabled`);
    }
    // RFC 9051 appendix E: these are sections by another name, and no more.
    if (enabled.rev2 && item.kind === "section" && item.label.startsWith("RFC822")) {
      throw WireError.because(`${item.label} is no part of IMAP4rev2`);
    }
  }
  if (items.some(({ kind }) => kind === "MODSEQ")) enableCondstore(context);
}

const extensions: { readonly [K in FetchItem["kind"]]?: string } = {
  EMAILID: "OBJECTID",
  MODSEQ: "CONDSTORE",
  SAVEDATE: "SAVEDATE",
  THREADID: "OBJECTID",
  binary: "BINARY",
  binarySize: "BINARY",
  preview: "PREVIEW",
};

function positionsOf(states: readonly MessageState[], list: UidList): IndexRange[] {
  return indexRanges(list, NumberSet.from(states.map(({ uid }) => uid)));
}

/** RFC 9394 §3.3: the range counts the messages that are meant, from either end. */
function narrow(
  ranges: readonly IndexRange[],
  partial: PartialRange | null,
): readonly IndexRange[] {
  if (!partial) return ranges;
  const count = countOf(ranges);
  const from = partial.fromEnd ? count - partial.last : partial.first - 1;
  const to = partial.fromEnd ? count - partial.first : partial.last - 1;
  const kept: IndexRange[] = [];
  let at = 0;
  for (const [low, high] of ranges) {
    const first = Math.max(low, low + from - at);
    const last = Math.min(high, low + to - at);
    if (first <= last) kept.push([first, last]);
    at += high - low + 1;
  }
  return kept;
}

/** RFC 5465 §5.2: FETCH responses for new messages, which the client has just been told of. */
export async function sendNew(
  items: readonly FetchItem[],
  uids: UidSet,
  context: Pick<Context, "session" | "services" | "reply" | "enabled" | "connection" | "memory">,
): Promise<void> {
  const { session, services, reply, enabled, connection, memory } = context;
  if (session.state !== "selected") return;
  const { view } = session;
  const peeking = items.map((item) => "marksSeen" in item ? { ...item, marksSeen: false } : item);
  const plan = planFetch(peeking, { uid: !enabled.uidOnly, readOnly: true });
  await send(plan, indexRanges(view.list, uids), {
    changed: null,
    context: { session, services, reply, enabled, connection, memory },
  });
}

/** What sending needs of the session. */
type Sender = Pick<
  Context<"selected">,
  "session" | "services" | "reply" | "enabled" | "connection" | "memory"
>;

/** How many of the messages are not there any more. */
async function send(
  plan: Plan,
  ranges: readonly IndexRange[],
  { changed, context }: {
    readonly changed: readonly MessageState[] | null;
    readonly context: Sender;
  },
): Promise<number> {
  const { session: { view: { list } }, reply } = context;
  const pace = new Pace();
  let missing = countOf(ranges);
  const wanted = spannedUids(list, ranges);
  const rows = changed && plan.source !== "rows"
    ? statesAsRows(changed.filter(({ uid }) => wanted.has(uid)))
    : fetchedRows(plan, ranges, context);
  for await (const piece of rows) {
    await respond(piece, plan, context);
    missing -= piece.length;
    await reply.drained();
    await pace.breathe();
  }
  return missing;
}

async function respond(
  rows: readonly MessageRow[],
  plan: Plan,
  context: Sender,
): Promise<void> {
  const { session: { view }, services: { blobs }, reply, connection, enabled, memory } = context;
  const seen = plan.marksSeen ? await markSeen(rows, context) : new Map<Uid, MessageRow>();
  if (plan.hasFlags) view.announceKeywords(rows, reply);
  view.announceKeywords([...seen.values()], reply);
  const asked = rows.map((row) => {
    const marked = seen.get(row.uid);
    // RFC 3501 §6.4.5: a change of flags SHOULD be included in the response that causes it.
    const items = marked ? withFlags(plan.items, enabled.condstore) : plan.items;
    return { message: new StoredMessage(marked ?? row, blobs), items };
  });
  if (plan.hasSections) return await sendResponses(asked, { view, reply, connection, memory });
  let responses = "";
  for (const { message, items } of asked) responses += plainResponse(message, items, view);
  reply.raw(responses);
}

/** RFC 7162 §3.1: with CONDSTORE, news about flags carry their MODSEQ. */
function withFlags(items: readonly FetchItem[], condstore: boolean): readonly FetchItem[] {
  const kinds = new Set(items.map(({ kind }) => kind));
  return [
    ...items,
    ...(kinds.has("FLAGS") ? [] : [{ kind: "FLAGS" } as const]),
    ...(kinds.has("MODSEQ") || !condstore ? [] : [{ kind: "MODSEQ" } as const]),
  ];
}

/** Sets \Seen where it is missing, in one statement; answers those rows with their flags as stored. */
async function markSeen(
  rows: readonly MessageRow[],
  { session: { view } }: Sender,
): Promise<ReadonlyMap<Uid, MessageRow>> {
  const unseen = new Map(
    rows.filter(({ flags }) => !(flags & FLAG.seen)).map((row) => [row.uid, row]),
  );
  if (unseen.size === 0) return unseen;
  const change = { mode: "add", flags: FLAG.seen, keywords: [] } as const;
  const uids = NumberSet.from(unseen.keys());
  const result = await view.messages.storeFlags(view.mailbox.id, uids, change);
  view.stored(result);
  const marked = new Map<Uid, MessageRow>();
  for (const state of result.stored) {
    const row = unseen.get(state.uid);
    if (row) marked.set(state.uid, { ...row, ...state });
  }
  return marked;
}
