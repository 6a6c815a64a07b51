import { obsoleteLetters, rightLetters } from "../../auth/rights.ts";
import { command } from "../command.ts";
import { renderAstring } from "../wire/quote.ts";
import { readIdentifier } from "./acl/identifier.ts";
import { renderRights } from "./acl/rights_text.ts";

/**
 * LISTRIGHTS: RFC 4314 §3.4. No right is tied to another one; the identifier comes back as it was
 * written.
 *
 *     listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights *(SP rights)
 */
export const listRights = command("LISTRIGHTS", {
  states: ["authenticated", "selected"],
  capability: "ACL",
  parse: (wire) => ({ name: wire.sp().mailbox(), identifier: readIdentifier(wire.sp()) }),
  async execute({ name, identifier }, { session: { user }, services: { accessControl }, reply }) {
    const { prepared, written } = identifier;
    const { always, possible } = await accessControl.grantable(user, name, prepared);
    const had = obsoleteLetters(always);
    // RFC 4314 §3.7: no right stands there twice.
    const obsolete = [...obsoleteLetters(possible)].filter((letter) => !had.includes(letter));
    const rights = [renderRights(always), ...rightLetters(possible), ...obsolete];
    reply.untagged(
      `LISTRIGHTS ${reply.mailbox(name)} ${renderAstring(written)} ${rights.join(" ")}`,
    );
  },
});
