import { Refused } from "../../lib/refused.ts";
import { command } from "../command.ts";

/**
 * EXPUNGE: RFC 3501 §6.4.3, and UID EXPUNGE: RFC 4315 §2.1. Both leave messages alone that this
 * client has not been told of. The EXPUNGE responses come from the view, as for everybody else.
 */
export const expunge = command("EXPUNGE", {
  states: ["selected"],
  capability: ["UIDPLUS"],
  uid: true,
  parse: (wire, uid) => uid ? wire.sp().sequenceSet() : null,
  async execute(set, { session: { view }, services }) {
    if (view.readOnly) throw new Refused({ kind: "read-only" });
    const uids = set ? view.uids(set, true) : view.allUids;
    if (uids.isEmpty) return;
    view.expunged(await services.messages.expunge(view.mailbox.id, uids));
  },
});
