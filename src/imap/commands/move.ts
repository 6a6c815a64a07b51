import { NumberSet } from "../../lib/number_set.ts";
import { Refused } from "../../lib/refused.ts";
import { transfer } from "../../delivery/transfer.ts";
import { command, type Completion } from "../command.ts";
import { copyUid, transferArguments, transferOf } from "./copy.ts";

/** MOVE and UID MOVE: RFC 6851 §3, all messages or none. The EXPUNGEs come from the view. */
export const move = command("MOVE", {
  states: ["selected"],
  capability: "MOVE",
  uid: true,
  tryCreate: true,
  parse: transferArguments,
  async execute(wanted, context): Promise<Completion> {
    const { session: { user, view }, services, reply, enabled, made } = context;
    if (view.readOnly) throw new Refused({ kind: "read-only" });
    const { rights } = view.mailbox;
    // RFC 6851 §4: as COPY, STORE +FLAGS \Deleted and EXPUNGE.
    if (!rights.has("t") || !rights.has("e")) throw new Refused({ kind: "not-permitted" });
    const plan = await transferOf(wanted, context);
    if (plan.uids.isEmpty) return {};
    const moved = await transfer(user, { ...plan, move: true }, services);
    made(plan.to.id, NumberSet.from(moved.target));
    const code = copyUid(moved);
    view.recheck();
    if (code === null) return {};
    // RFC 6851 §4.3: ahead of any EXPUNGE.
    reply.untagged(`OK [${code}] Moved`);
    return enabled.qresync ? { code: () => `HIGHESTMODSEQ ${view.highestModseq}` } : {};
  },
});
