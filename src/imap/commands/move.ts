import { Refused } from "../../lib/refused.ts";
import { command } from "../command.ts";
import { copyUid } from "./copy.ts";

/** MOVE and UID MOVE: RFC 6851 §3, all messages or none. The EXPUNGEs come from the view. */
export const move = command("MOVE", {
  states: ["selected"],
  capability: "MOVE",
  uid: true,
  tryCreate: true,
  parse: (wire) => ({ set: wire.sp().sequenceSet(), target: wire.sp().mailbox() }),
  async execute({ set, target }, { session: { user, view }, services, reply, uid }) {
    if (view.readOnly) throw new Refused({ kind: "read-only" });
    const uids = view.uids(set, uid);
    const { id, accountId } = await services.access.find(user, target, ["i"]);
    if (uids.isEmpty) return;
    const moved = await services.messages.move(view.mailbox.id, uids, id, accountId);
    const code = copyUid(moved);
    // RFC 6851 §4.3: ahead of any EXPUNGE.
    if (code) reply.untagged(`OK [${code}] Moved`);
    view.recheck();
  },
});
