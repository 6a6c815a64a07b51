import { sharedPace } from "../../lib/pace.ts";
import { DELIMITER, mailboxKey, parentNames } from "../../store/mailbox_name.ts";
import type { Mailbox } from "../../store/mailboxes.ts";
import { isDisabled } from "../capability_config.ts";
import { command } from "../command.ts";
import { ListPattern } from "../list_pattern.ts";
import type { ImapServices } from "../services.ts";
import type { Scanner } from "../wire/scanner.ts";

/** What LIST and LSUB are asked for. */
export interface ListArguments {
  /** Reference and pattern joined; null matches nothing. */
  readonly pattern: string | null;
  /** True for `LIST "" ""`: what is the delimiter? RFC 3501 §6.3.8. */
  readonly delimiterOnly: boolean;
  readonly specialUseOnly: boolean;
}

/**
 * LIST: RFC 3501 §6.3.8, \HasChildren RFC 3348, special use RFC 6154 §2.
 *
 *     list = "LIST" [SP "(SPECIAL-USE)"] SP mailbox SP list-mailbox [SP "RETURN" SP "(" … ")"]
 */
export const list = command("LIST", {
  states: ["authenticated", "selected"],
  capability: ["CHILDREN", "SPECIAL-USE"],
  parse(wire): ListArguments {
    const specialUseOnly = selection(wire.sp());
    const { pattern, delimiterOnly } = readPattern(wire);
    if (wire.maybe(" RETURN ")) returned(wire);
    return { pattern, delimiterOnly, specialUseOnly };
  },
  async execute(
    { pattern, delimiterOnly, specialUseOnly },
    { session: { user }, services, reply },
  ) {
    if (delimiterOnly) return reply.untagged(`LIST (\\Noselect) "${DELIMITER}" ""`);
    if (pattern === null) return;
    const { config, access } = services;
    const wanted = new ListPattern(pattern);
    const all = await access.list(user);
    const withChildren = new Set(all.flatMap(({ name }) => parentNames(mailboxKey(name))));
    for (const mailbox of all) {
      await sharedPace.breathe();
      if (specialUseOnly && mailbox.specialUse === null) continue;
      if (!wanted.matches(mailbox.name)) continue;
      const attributes = attributesOf(mailbox, { withChildren, config });
      reply.untagged(`LIST (${attributes}) "${DELIMITER}" ${reply.mailbox(mailbox.name)}`);
      await reply.drained();
    }
  },
});

/** SP-separated reference and pattern, of LIST and LSUB alike. */
export function readPattern(wire: Scanner): Omit<ListArguments, "specialUseOnly"> {
  const reference = wire.listMailbox();
  const pattern = wire.sp().listMailbox();
  const joined = reference === null || pattern === null ? null : reference + pattern;
  return { pattern: joined, delimiterOnly: pattern === "" };
}

function attributesOf(
  { name, specialUse }: Mailbox,
  { withChildren, config }: {
    readonly withChildren: ReadonlySet<string>;
    readonly config: ImapServices["config"];
  },
): string {
  const attributes: string[] = [];
  if (!isDisabled("CHILDREN", config)) {
    attributes.push(withChildren.has(mailboxKey(name)) ? "\\HasChildren" : "\\HasNoChildren");
  }
  if (specialUse !== null && !isDisabled("SPECIAL-USE", config)) attributes.push(specialUse);
  return attributes.join(" ");
}

/** RFC 6154 §5.1: the one selection option that SPECIAL-USE brings. */
function selection(wire: Scanner): boolean {
  if (wire.peek() !== "(") return false;
  wire.open();
  const specialUseOnly = wire.maybe("SPECIAL-USE");
  wire.close().sp();
  return specialUseOnly;
}

/** RFC 6154 §2, RFC 5258 §3.2: what these options ask for is always in the reply. */
function returned(wire: Scanner): void {
  if (wire.maybe("()")) return;
  for (const option of wire.list(() => wire.word())) {
    if (option !== "SPECIAL-USE" && option !== "CHILDREN") wire.fail("return-option");
  }
}
