import { Refused } from "../../lib/refused.ts";
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
    const { session: { view }, services, reply, enabled } = context;
    if (view.readOnly) throw new Refused({ kind: "read-only" });
    const { id, rights } = view.mailbox;
    // RFC 6851 §4: as COPY, STORE +FLAGS \Deleted and EXPUNGE.
    if (!rights.has("t") || !rights.has("e")) throw new Refused({ kind: "not-permitted" });
    const { uids, target } = await transferOf(wanted, context);
    if (uids.isEmpty) return {};
    const code = copyUid(await services.messages.move(id, uids, target));
    view.recheck();
    if (code === null) return {};
    // RFC 6851 §4.3: ahead of any EXPUNGE.
    reply.untagged(`OK [${code}] Moved`);
    return enabled.qresync ? { code: () => `HIGHESTMODSEQ ${view.highestModseq}` } : {};
  },
});
