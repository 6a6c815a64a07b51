import type { AccessibleMailbox } from "../auth/mailbox_access.ts";
import type { MailboxId } from "../lib/ids.ts";
import { sharedPace } from "../lib/pace.ts";
import { Refused } from "../lib/refused.ts";
import { mailboxKey } from "../store/mailbox_name.ts";
import type { Context } from "./command.ts";
import { allNames, type Name } from "./commands/list/names.ts";
import type { NotifyEvent, NotifySet } from "./commands/notify/parse.ts";
import { isMeant } from "./mailbox_filter.ts";

/** Everything about an account that a client can be told of: RFC 5465 §5. */
export interface NotifySnapshot {
  readonly mailboxes: ReadonlyMap<MailboxId, AccessibleMailbox>;
  /** RFC 5465 §6: what every event-group that means the mailbox asks for. */
  readonly events: ReadonlyMap<MailboxId, ReadonlySet<NotifyEvent>>;
  /** By key. */
  readonly names: ReadonlyMap<string, Name>;
  /** Keys of names. */
  readonly subscribed: ReadonlySet<string>;
  /** `mailbox/entry` → digest of the value; mailbox 0 is the server. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** How things stand. */
export async function notifySnapshot(
  request: NotifySet,
  { session, services: { access, mailboxes, metadata } }: Pick<Context, "session" | "services">,
): Promise<NotifySnapshot> {
  if (!("user" in session)) throw new Refused({ kind: "gone", what: "session" });
  const { user } = session;
  const [list, subscriptions] = await Promise.all([
    access.list(user),
    mailboxes.subscriptions(user.accountId),
  ]);
  const wantsMetadata = request.groups.some(({ events }) =>
    events.has("MailboxMetadataChange") || events.has("ServerMetadataChange")
  );
  const readable = list.filter(({ rights }) => rights.has("r")).map(({ id }) => id);
  const subscribed = new Set(subscriptions.map(mailboxKey));
  const names = await allNames(list, subscriptions);
  const events = new Map<MailboxId, ReadonlySet<NotifyEvent>>();
  for (const mailbox of list) {
    await sharedPace.breathe();
    events.set(mailbox.id, eventsOf(mailbox, request, subscribed));
  }
  return {
    mailboxes: new Map(list.map((mailbox) => [mailbox.id, mailbox])),
    events,
    names: new Map(names.map((name) => [name.key, name])),
    subscribed,
    metadata: wantsMetadata ? await metadata.digests(readable, user.accountId) : new Map(),
  };
}

/** What the event-groups that mean a mailbox, or the name of one, ask for. */
export function eventsOf(
  place: Pick<AccessibleMailbox, "name" | "isForeign" | "domain">,
  { groups }: NotifySet,
  subscribed: ReadonlySet<string>,
): ReadonlySet<NotifyEvent> {
  const events = new Set<NotifyEvent>();
  for (const group of groups) {
    if (!isMeant(place, group.filter, subscribed)) continue;
    for (const event of group.events) events.add(event);
  }
  return events;
}
