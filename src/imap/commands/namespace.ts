import { DELIMITER } from "../../store/mailbox_name.ts";
import { command } from "../command.ts";

/**
 * NAMESPACE: RFC 2342 §5.
 *
 *     Namespace-Response = "*" SP "NAMESPACE" SP Namespace SP Namespace SP Namespace
 *                          personal, other users', shared; NIL where there is none
 */
export const namespace = command("NAMESPACE", {
  states: ["authenticated", "selected"],
  capability: "NAMESPACE",
  parse: () => null,
  async execute(_args, { reply, services: { access } }) {
    const { personal, users, shared } = access.namespaces();
    const parts = [personal, users, shared].map((prefix) =>
      prefix === null ? "NIL" : `((${reply.mailbox(prefix)} "${DELIMITER}"))`
    );
    reply.untagged(`NAMESPACE ${parts.join(" ")}`);
  },
});
