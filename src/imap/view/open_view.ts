import type { User } from "../../auth/authenticator.ts";
import type { MailboxAccess } from "../../auth/mailbox_access.ts";
import type { Sequence } from "../../lib/ids.ts";
import { Refused } from "../../lib/refused.ts";
import type { MessageStore } from "../../store/messages.ts";
import type { Enabled } from "../enabled.ts";
import { indexOf } from "./uid_list.ts";
import type { UidMaps } from "./uid_maps.ts";
import { View, type ViewServices } from "./view.ts";

/** What opening a view asks of the services. */
export interface OpenServices extends ViewServices {
  readonly access: Pick<MailboxAccess, "find">;
  readonly messages: ViewServices["messages"] & Pick<MessageStore, "firstUnseen">;
  readonly maps: Pick<UidMaps, "open">;
}

/** How a mailbox is opened. */
export interface OpenOptions {
  /** EXAMINE. */
  readonly readOnly: boolean;
  /** What this client has switched on, now and later. */
  readonly enabled: Enabled;
}

/** Opens a mailbox as this user sees it. Throws `no-such-mailbox`, `not-permitted`. */
export async function openView(
  services: OpenServices,
  { user, name }: { readonly user: User; readonly name: string },
  options: OpenOptions,
): Promise<View> {
  const { access, messages, maps } = services;
  const mailbox = await access.find(user, name, ["r"]);
  const unseen = mailbox.unseen > 0 ? await messages.firstUnseen(mailbox.id) : null;
  const held = await maps.open(mailbox.id, mailbox.highestModseq).catch((error) => {
    throw isGone(error) ? new Refused({ kind: "no-such-mailbox", name }) : error;
  });
  const at = unseen === null ? -1 : indexOf(held.map.now, unseen);
  const firstUnseen = at < 0 ? undefined : at + 1 as Sequence;
  const view = new View(services, { mailbox, firstUnseen, held, ...options });
  try {
    await view.claimRecent();
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
  return view;
}

/** Deleted between two queries: to the client there was no such mailbox. */
function isGone(error: unknown): boolean {
  return error instanceof Refused && error.refusal.kind === "gone";
}
