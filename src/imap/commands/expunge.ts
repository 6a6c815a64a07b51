import { Refused } from "../../lib/refused.ts";
import { isDisabled } from "../capability_config.ts";
import { command, type Completion } from "../command.ts";
import { limitDeleted } from "../message_limit.ts";
import { WireError } from "../wire/wire_error.ts";

/**
 * EXPUNGE: RFC 3501 §6.4.3, and UID EXPUNGE: RFC 4315 §2.1. Both leave messages alone that this
 * client has not been told of. The EXPUNGE responses come from the view, as for everybody else.
 */
export const expunge = command("EXPUNGE", {
  states: ["selected"],
  capability: ["UIDPLUS"],
  uid: true,
  numbers: false,
  parse: (wire, uid) => uid ? wire.sp().sequenceSet() : null,
  async execute(set, context): Promise<Completion> {
    const { session: { view }, services, enabled } = context;
    if (set && isDisabled("UIDPLUS", services.config)) {
      throw WireError.because("UIDPLUS is disabled");
    }
    if (view.readOnly) throw new Refused({ kind: "read-only" });
    if (!view.mailbox.rights.has("e")) throw new Refused({ kind: "not-permitted" });
    const wanted = set ? view.uids(set, true) : view.allUids;
    if (wanted.isEmpty) return {};
    const { uids, completion } = await limitDeleted(wanted, context);
    const result = await services.messages.expunge(view.mailbox.id, uids);
    view.expunged(result);
    // RFC 7162 §3.2.7: as far as the view will have told by then.
    const isNews = enabled.qresync && !result.expunged.isEmpty && !completion;
    return completion ?? (isNews ? { code: () => `HIGHESTMODSEQ ${view.highestModseq}` } : {});
  },
});
