import { Refused } from "../../lib/refused.ts";
import { isDisabled } from "../capability_config.ts";
import { command, type Completion, type Context } from "../command.ts";
import { enableCondstore } from "../enable_condstore.ts";
import { mailboxId } from "../object_id.ts";
import { openView } from "../view/open_view.ts";
import type { View } from "../view/view.ts";
import type { Scanner } from "../wire/scanner.ts";
import { WireError } from "../wire/wire_error.ts";
import { type SelectOptions, selectOptions } from "./select/options.ts";
import { resync } from "./select/resync.ts";

/** SELECT: RFC 3501 §6.3.1, RFC 9051 §6.3.2; RFC 7162 §3.1.8, §3.2.5. */
export const select = command("SELECT", {
  states: ["authenticated", "selected"],
  capability: ["CONDSTORE", "QRESYNC", "UIDONLY"],
  parse: toOpen,
  execute: (wanted, context) => openMailbox(wanted, { readOnly: false }, context),
});

/** What SELECT and EXAMINE are to open. */
export interface ToOpen extends SelectOptions {
  /** Or why it can be no name: the answer to that still closes the open mailbox. */
  readonly name: string | Refused;
}

export function toOpen(wire: Scanner): ToOpen {
  return { name: mailboxToOpen(wire.sp()), ...selectOptions(wire) };
}

/** What SELECT and EXAMINE have in common: everything but `readOnly`. */
export async function openMailbox(
  { name, condstore, qresync }: ToOpen,
  { readOnly }: { readonly readOnly: boolean },
  context: Context<"authenticated" | "selected">,
): Promise<Completion> {
  const { session, services, reply, enabled, enter } = context;
  const { user } = session;
  if (qresync && !enabled.qresync) throw WireError.because("QRESYNC is not enabled");
  if (qresync?.match && enabled.uidOnly) {
    throw WireError.because("UIDs are required", "UIDREQUIRED"); // RFC 9586 §3.4
  }
  // RFC 3501 §6.3.1: the old mailbox is closed first, without expunging, even if this one fails.
  if (session.state === "selected") {
    enter({ state: "authenticated", user });
    reply.untagged("OK [CLOSED] Previous mailbox is closed"); // RFC 7162 §3.2.11, RFC 9051 §6.3.2
  }
  if (condstore) enableCondstore(context);
  if (name instanceof Refused) throw name;
  const view = await openView(services, { user, name }, { readOnly, enabled });
  try {
    describe(view, context);
    if (qresync) await resync(view, qresync, reply);
  } catch (error) {
    view.close();
    throw error;
  }
  enter({ state: "selected", user, view });
  return { code: isReadOnly(view) ? "READ-ONLY" : "READ-WRITE" };
}

function mailboxToOpen(wire: Scanner): string | Refused {
  try {
    return wire.mailbox();
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}

function describe(
  view: View,
  { reply, enabled, services: { config } }: Pick<Context, "reply" | "enabled" | "services">,
): void {
  const { mailbox, count, recent, firstUnseen, uidNext, highestModseq } = view;
  for (const line of view.flagLists) reply.untagged(line);
  reply.untagged(`${count} EXISTS`);
  if (enabled.rev2) {
    // RFC 9051 §6.3.2: LIST instead of RECENT and UNSEEN.
    reply.untagged(`LIST (${mailbox.specialUse ?? ""}) "/" ${reply.mailbox(mailbox.name)}`);
  } else {
    reply.untagged(`${recent} RECENT`);
    const numbered = firstUnseen !== undefined && !enabled.uidOnly;
    if (numbered) reply.untagged(`OK [UNSEEN ${firstUnseen}] First unseen message`);
  }
  reply.untagged(`OK [UIDVALIDITY ${mailbox.uidValidity}] UIDs valid`);
  reply.untagged(`OK [UIDNEXT ${uidNext}] Predicted next UID`);
  if (!isDisabled("OBJECTID", config)) {
    reply.untagged(`OK [MAILBOXID (${mailboxId(mailbox.id)})] Whatever its name`); // RFC 8474 §4.2
  }
  if (isDisabled("CONDSTORE", config)) return;
  reply.untagged(`OK [HIGHESTMODSEQ ${highestModseq}] Highest mod-sequence`);
}

/** RFC 4314 §5.2: "s" is not among them, as \Seen is everybody's own. */
function isReadOnly({ readOnly, mailbox: { rights } }: View): boolean {
  return readOnly || !(["i", "e", "w", "t"] as const).some((right) => rights.has(right));
}
