import { Refused } from "../../lib/refused.ts";
import { isDisabled } from "../capability_config.ts";
import { command } from "../command.ts";
import { mailboxId } from "../object_id.ts";
import type { Scanner } from "../wire/scanner.ts";

/** RFC 6154 §2: what a client may ask for; \All and \Flagged would be views, which there are none of. */
const creatable = new Map(
  ["\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash"].map((use) => [use.toLowerCase(), use]),
);

/**
 * CREATE: RFC 3501 §6.3.3, with special use RFC 6154 §3.
 *
 *     create       = "CREATE" SP mailbox [SP "(" create-param ")"]          RFC 4466 §2.2
 *     create-param = "USE" SP "(" [use-attr *(SP use-attr)] ")"             RFC 6154 §6
 */
export const create = command("CREATE", {
  states: ["authenticated", "selected"],
  capability: ["CREATE-SPECIAL-USE"],
  parse: (wire) => ({
    name: wire.sp().mailboxAsWritten(),
    uses: wire.maybe(" ") ? useAttributes(wire) : [],
  }),
  async execute({ name, uses }, { session: { user }, services, reply, enabled }) {
    const { access, config } = services;
    if (uses.length > 0 && isDisabled("CREATE-SPECIAL-USE", config)) {
      throw new Refused({ kind: "unsupported", what: "USE" });
    }
    const made = await access.create(user, name, { specialUse: specialUse(uses) });
    // RFC 9051 §6.3.4, §6.3.9.7: composed characters, or the letter case of the levels above.
    if (enabled.rev2 && made.name !== name.replace(/\/$/, "")) {
      const oldName = `("OLDNAME" (${reply.mailbox(name)}))`;
      reply.untagged(`LIST (${made.specialUse ?? ""}) "/" ${reply.mailbox(made.name)} ${oldName}`);
    }
    // RFC 8474 §4.1.
    return isDisabled("OBJECTID", config) ? {} : { code: `MAILBOXID (${mailboxId(made.id)})` };
  },
});

function useAttributes(wire: Scanner): string[] {
  wire.open().expect("USE").sp();
  const uses = wire.maybe("()") ? [] : wire.list(() => wire.flag());
  wire.close();
  return uses;
}

/** RFC 6154 §3: NO [USEATTR] for what we cannot give; here a mailbox has at most one use. */
function specialUse(uses: readonly string[]): string | null {
  const [first, ...more] = uses;
  if (first === undefined) return null;
  const use = creatable.get(first.toLowerCase());
  if (use === undefined || more.length > 0) {
    throw new Refused({ kind: "bad-special-use", why: "one of the known attributes" });
  }
  return use;
}
