import { command } from "../command.ts";
import { renderIdentifier } from "./acl/identifier.ts";
import { renderRights } from "./acl/rights_text.ts";

/**
 * GETACL: RFC 4314 §3.3. The owner comes first.
 *
 *     acl-data = "ACL" SP mailbox *(SP identifier SP rights)                RFC 4314 §7
 */
export const getAcl = command("GETACL", {
  states: ["authenticated", "selected"],
  capability: "ACL",
  parse: (wire) => wire.sp().mailbox(),
  async execute(name, { session: { user }, services: { accessControl }, reply }) {
    const grants = await accessControl.grants(user, name);
    const pairs = grants.map(({ identifier, rights }) =>
      ` ${renderIdentifier(identifier)} ${renderRights(rights)}`
    );
    reply.untagged(`ACL ${reply.mailbox(name)}${pairs.join("")}`);
  },
});
