import { command, type Completion, type Context } from "../command.ts";
import { Refused } from "../../lib/refused.ts";
import { View } from "../view/view.ts";
import type { Scanner } from "../wire/scanner.ts";

/** SELECT: RFC 3501 §6.3.1. */
export const select = command("SELECT", {
  states: ["authenticated", "selected"],
  parse: mailboxToOpen,
  execute: (name, context) => openMailbox(name, { readOnly: false }, context),
});

/** A mailbox name, or why it can be none: the answer to that still closes the open mailbox. */
export function mailboxToOpen(wire: Scanner): string | Refused {
  try {
    return wire.sp().mailbox();
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}

/** What SELECT and EXAMINE have in common: everything but `readOnly`. */
export async function openMailbox(
  name: string | Refused,
  { readOnly }: { readonly readOnly: boolean },
  { session, services, reply, enter }: Context<"authenticated" | "selected">,
): Promise<Completion> {
  const { user } = session;
  // RFC 3501 §6.3.1: the old mailbox is closed first, without expunging, even if this one fails.
  if (session.state === "selected") enter({ state: "authenticated", user });
  if (name instanceof Refused) throw name;
  const view = await View.open(services, user, name, { readOnly });
  const { mailbox, count, recent, firstUnseen, uidNext } = view;
  for (const line of view.flagLists) reply.untagged(line);
  reply.untagged(`${count} EXISTS`);
  reply.untagged(`${recent} RECENT`);
  if (firstUnseen) reply.untagged(`OK [UNSEEN ${firstUnseen}] First unseen message`);
  reply.untagged(`OK [UIDVALIDITY ${mailbox.uidValidity}] UIDs valid`);
  reply.untagged(`OK [UIDNEXT ${uidNext}] Predicted next UID`);
  enter({ state: "selected", user, view });
  return { code: readOnly ? "READ-ONLY" : "READ-WRITE" };
}
