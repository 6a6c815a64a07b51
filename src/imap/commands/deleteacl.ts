import { command } from "../command.ts";
import { readIdentifier } from "./acl/identifier.ts";

/**
 * DELETEACL: RFC 4314 §3.2.
 *
 *     deleteacl = "DELETEACL" SP mailbox SP identifier                      RFC 4314 §7
 */
export const deleteAcl = command("DELETEACL", {
  states: ["authenticated", "selected"],
  capability: "ACL",
  parse: (wire) => ({ name: wire.sp().mailbox(), identifier: readIdentifier(wire.sp()) }),
  async execute({ name, identifier }, { session: { user }, services: { accessControl } }) {
    await accessControl.revoke(user, name, identifier.prepared);
  },
});
