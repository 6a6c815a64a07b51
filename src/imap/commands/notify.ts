import { command } from "../command.ts";
import { prepareItems } from "./fetch.ts";
import { notifyRequest } from "./notify/parse.ts";

/**
 * NOTIFY: RFC 5465. From SET on the client is told what it asks for whenever it happens; NONE ends
 * that, and everything about the selected mailbox is told with the next command again.
 */
export const notify = command("NOTIFY", {
  states: ["authenticated", "selected"],
  capability: "NOTIFY",
  parse: (wire) => notifyRequest(wire.sp()),
  execute(request, context) {
    prepareItems(request?.selected?.items ?? [], context);
    return context.notify(request);
  },
});
