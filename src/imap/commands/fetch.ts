import type { Uid } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";
import { Pace } from "../../lib/pace.ts";
import { FLAG, type MessageRow } from "../../store/messages.ts";
import { command, type Completion, type Context } from "../command.ts";
import { countOf } from "../view/uid_list.ts";
import { StoredMessage } from "../view/stored_message.ts";
import { fetchItems } from "./fetch/items.ts";
import { type Plan, planFetch } from "./fetch/plan.ts";
import { plainResponse } from "./fetch/response.ts";
import { fetchedRows } from "./fetch/rows.ts";
import { sendResponses } from "./fetch/send.ts";

/** FETCH and UID FETCH: RFC 3501 §6.4.5. */
export const fetch = command("FETCH", {
  states: ["selected"],
  uid: true,
  expunges: false,
  parse: (wire) => ({ set: wire.sp().sequenceSet(), items: fetchItems(wire.sp()) }),
  async execute({ set, items }, context): Promise<Completion> {
    const { session: { view }, reply, uid } = context;
    const plan = planFetch(items, { uid, readOnly: view.readOnly });
    const ranges = view.ranges(set, uid);
    const pace = new Pace();
    let missing = countOf(ranges);
    for await (const rows of fetchedRows(plan, ranges, context)) {
      await respond(rows, plan, context);
      missing -= rows.length;
      await reply.drained();
      await pace.breathe();
    }
    // RFC 5530 §3: the others were expunged by somebody else, which the client will be told.
    return missing > 0 ? { code: "EXPUNGEISSUED", text: "Some messages no longer exist" } : {};
  },
});

async function respond(
  rows: readonly MessageRow[],
  plan: Plan,
  context: Context<"selected">,
): Promise<void> {
  const { session: { view }, services: { blobs }, reply, connection } = context;
  const seen = plan.marksSeen ? await markSeen(rows, context) : new Map<Uid, MessageRow>();
  if (plan.hasFlags) view.announceKeywords(rows, reply);
  view.announceKeywords([...seen.values()], reply);
  const asked = rows.map((row) => {
    const marked = seen.get(row.uid);
    // RFC 3501 §6.4.5: a change of flags SHOULD be included in the response that causes it.
    const items = marked && !plan.hasFlags ? [...plan.items, FLAGS] : plan.items;
    return { message: new StoredMessage(marked ?? row, blobs), items };
  });
  if (plan.hasSections) return await sendResponses(asked, { view, reply, connection });
  let responses = "";
  for (const { message, items } of asked) responses += plainResponse(message, items, view);
  reply.raw(responses);
}

const FLAGS = { kind: "FLAGS" } as const;

/** Sets \Seen where it is missing, in one statement; answers those rows with their flags as stored. */
async function markSeen(
  rows: readonly MessageRow[],
  { session: { view }, services: { messages } }: Context<"selected">,
): Promise<ReadonlyMap<Uid, MessageRow>> {
  const unseen = new Map(
    rows.filter(({ flags }) => !(flags & FLAG.seen)).map((row) => [row.uid, row]),
  );
  if (unseen.size === 0) return unseen;
  const change = { mode: "add", flags: FLAG.seen, keywords: [] } as const;
  const uids = NumberSet.from(unseen.keys());
  const result = await messages.storeFlags(view.mailbox.id, uids, change);
  view.stored(result);
  const marked = new Map<Uid, MessageRow>();
  for (const state of result.stored) {
    const row = unseen.get(state.uid);
    if (row) marked.set(state.uid, { ...row, ...state });
  }
  return marked;
}
