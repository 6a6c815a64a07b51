import { command } from "../command.ts";
import { readIdentifier } from "./acl/identifier.ts";
import { readRightsChange } from "./acl/rights_text.ts";

/**
 * SETACL: RFC 4314 §3.1. Who has the mailbox selected has the new rights from the next command on.
 *
 *     setacl = "SETACL" SP mailbox SP identifier SP mod-rights              RFC 4314 §7
 */
export const setAcl = command("SETACL", {
  states: ["authenticated", "selected"],
  capability: "ACL",
  parse: (wire) => ({
    name: wire.sp().mailbox(),
    identifier: readIdentifier(wire.sp()),
    change: readRightsChange(wire.sp()),
  }),
  async execute(
    { name, identifier, change },
    { session: { user }, services: { accessControl } },
  ) {
    await accessControl.grant(user, name, { identifier: identifier.prepared, ...change });
  },
});
