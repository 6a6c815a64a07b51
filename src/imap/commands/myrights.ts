import { command } from "../command.ts";
import { renderRights } from "./acl/rights_text.ts";

/**
 * MYRIGHTS: RFC 4314 §3.5. Any right but "s", "w", "p", "t" and "e" is enough to ask.
 *
 *     myrights-data = "MYRIGHTS" SP mailbox SP rights                       RFC 4314 §7
 */
export const myRights = command("MYRIGHTS", {
  states: ["authenticated", "selected"],
  capability: "ACL",
  parse: (wire) => wire.sp().mailbox(),
  async execute(name, { session: { user }, services: { access }, reply }) {
    const { rights } = await access.find(user, name);
    reply.untagged(`MYRIGHTS ${reply.mailbox(name)} ${renderRights(rights)}`);
  },
});
