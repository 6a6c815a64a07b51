import { command } from "../command.ts";
import { countsFor, prepareStatus, renderStatus, statusItems } from "./status/items.ts";

/**
 * STATUS: RFC 3501 §6.3.10. Works on the selected mailbox too, and changes nothing.
 *
 *     status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
 */
export const status = command("STATUS", {
  states: ["authenticated", "selected"],
  capability: ["STATUS=SIZE"],
  parse: (wire) => ({ name: wire.sp().mailbox(), items: statusItems(wire.sp()) }),
  async execute({ name, items }, context) {
    prepareStatus(items, context);
    const { session: { user }, services: { access }, reply } = context;
    const mailbox = await access.find(user, name, ["r"]);
    const counts = await countsFor([mailbox], items, context);
    // WHY: the name as the client wrote it, so that it recognises the mailbox it asked about.
    reply.untagged(renderStatus({ name, mailbox, counts }, items, context));
  },
});
