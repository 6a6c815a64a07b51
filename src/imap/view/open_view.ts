import type { User } from "../../auth/authenticator.ts";
import type { MailboxAccess } from "../../auth/mailbox_access.ts";
import type { Sequence } from "../../lib/ids.ts";
import { Refused } from "../../lib/refused.ts";
import type { MessageStore } from "../../store/messages.ts";
import type { Enabled } from "../enabled.ts";
import type { ViewServices } from "./opened.ts";
import { RightsWatch } from "./rights_watch.ts";
import { indexOf } from "./uid_list.ts";
import type { Held, UidMaps } from "./uid_maps.ts";
import { View } from "./view.ts";

/** What opening a view asks of the services. */
export interface OpenServices extends ViewServices {
  readonly access: Pick<MailboxAccess, "find" | "renew">;
  readonly messages: Pick<MessageStore, "viewedBy">;
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
  const { access, maps } = services;
  const mailbox = await access.find(user, name, ["r"]);
  const messages = services.messages.viewedBy(mailbox.viewer);
  const { rev2, uidOnly } = options.enabled;
  const asks = mailbox.unseen > 0 && !rev2 && !uidOnly;
  const unseen = asks ? await messages.firstUnseen(mailbox.id) : null;
  const held = await maps.open(mailbox.id, mailbox.highestModseq, mailbox.viewer).catch((error) => {
    throw isGone(error) ? new Refused({ kind: "no-such-mailbox", name }) : error;
  });
  const at = unseen === null ? -1 : indexOf(held.map.now, unseen);
  const firstUnseen = at < 0 ? undefined : at + 1 as Sequence;
  const rights = new RightsWatch(mailbox, () => access.renew(user, mailbox));
  const watched = rights.isFixed ? held : watching(held, rights);
  const view = new View(services, { rights, messages, firstUnseen, held: watched, ...options });
  view.claimRecent();
  return view;
}

/** Hears of changes of the rights, too, for as long as the map is held. */
function watching(held: Held, rights: RightsWatch): Held {
  const stop = held.map.onNotice(() => rights.notice());
  return {
    map: held.map,
    [Symbol.dispose]() {
      stop();
      held[Symbol.dispose]();
    },
  };
}

/** Deleted between two queries: to the client there was no such mailbox. */
function isGone(error: unknown): boolean {
  return error instanceof Refused && error.refusal.kind === "gone";
}
