import { Pace } from "../../lib/pace.ts";
import { Refused } from "../../lib/refused.ts";
import type { FlagChange, StoredState } from "../../store/messages.ts";
import { command, type Context } from "../command.ts";
import { type FlagList, readFlags } from "../wire/flags.ts";
import type { Scanner } from "../wire/scanner.ts";

/** WHY: so many FETCH responses are one write, and small enough to queue. */
const RESPONSES_PER_WRITE = 500;

/** STORE and UID STORE: RFC 3501 §6.4.6, for all messages or none. */
export const store = command("STORE", {
  states: ["selected"],
  uid: true,
  expunges: false,
  parse: (wire) => ({ set: wire.sp().sequenceSet(), ...attributes(wire.sp()) }),
  async execute({ set, silent, change }, context) {
    const { session: { view }, services, uid } = context;
    if (view.readOnly) throw new Refused({ kind: "read-only" });
    const uids = view.uids(set, uid);
    if (uids.isEmpty) return;
    const result = await services.messages.storeFlags(view.mailbox.id, uids, change);
    // RFC 3501 §6.4.6: SILENT does not hide what others changed since this client last heard of it.
    const told = silent
      ? result.stored.filter((state) => view.isNews(state.previousModseq))
      : result.stored;
    view.stored(result);
    await respond(told, context);
  },
});

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

async function respond(
  states: readonly StoredState[],
  { session: { view }, reply, uid }: Context<"selected">,
): Promise<void> {
  view.announceKeywords(states, reply);
  const pace = new Pace();
  for (let from = 0; from < states.length; from += RESPONSES_PER_WRITE) {
    let lines = "";
    for (const state of states.slice(from, from + RESPONSES_PER_WRITE)) {
      if (view.numberOf(state.uid) === undefined) continue;
      const head = `${view.fetchHead(state.uid)}${uid ? `UID ${state.uid} ` : ""}`;
      lines += `${head}FLAGS ${view.flags(state)})\r\n`;
    }
    reply.raw(lines);
    await reply.drained();
    await pace.breathe();
  }
}
