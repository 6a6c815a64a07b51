import type { AccessibleMailbox } from "../auth/mailbox_access.ts";
import type { MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { mailboxKey, parentNames } from "../store/mailbox_name.ts";
import type { Context } from "./command.ts";
import type { Name } from "./commands/list/names.ts";
import { renderName } from "./commands/list.ts";
import type { NotifyEvent, NotifySet } from "./commands/notify/parse.ts";
import { renderStatus, type StatusItem } from "./commands/status/items.ts";
import { eventsOf, type NotifySnapshot } from "./notify_snapshot.ts";

/** What is compared, and for whom. */
export interface Comparison {
  readonly before: NotifySnapshot;
  readonly now: NotifySnapshot;
  readonly request: NotifySet;
  readonly context: Pick<Context, "session" | "reply" | "enabled" | "services">;
}

/** RFC 5465 §5: the untagged responses, without their stars, that tell what is different now. */
export function* notifyLines(comparison: Comparison): Generator<string> {
  yield* nameLines(comparison);
  yield* accessLines(comparison);
  yield* subscriptionLines(comparison);
  yield* messageLines(comparison);
  yield* metadataLines(comparison);
}

/** RFC 5465 §3.1: every mailbox that is meant, can be listed and cannot be read. */
export function* noAccessLines(
  now: NotifySnapshot,
  context: Comparison["context"],
): Generator<string> {
  for (const mailbox of now.mailboxes.values()) {
    const name = now.names.get(mailboxKey(mailbox.name));
    if (name && isBlocked(mailbox, now)) yield renderName(name, context, { noAccess: true });
  }
}

/** True for the mailbox that is selected: only SELECTED is about its messages (RFC 5465 §3.1). */
export function isSelected(id: MailboxId, { session }: Pick<Context, "session">): boolean {
  return session.state === "selected" && session.view.mailbox.id === id;
}

/** RFC 5465 §5: every event needs the right "r". */
function isBlocked({ id, rights }: AccessibleMailbox, at: NotifySnapshot): boolean {
  return !rights.has("r") && (at.events.get(id)?.size ?? 0) > 0;
}

/** RFC 5465 §5.4: what came, went, or has another name, and the level above what came or went. */
function* nameLines({ before, now, request, context }: Comparison): Generator<string> {
  const parents = new Map<string, AccessibleMailbox>();
  const told = new Set<string>();
  const came = [...now.mailboxes.values()].filter((mailbox) =>
    before.mailboxes.get(mailbox.id)?.name !== mailbox.name
  );
  const renamed = new Set(
    came.filter(({ id }) => before.mailboxes.has(id)).map(({ name }) => mailboxKey(name)),
  );
  for (const mailbox of came) {
    const key = mailboxKey(mailbox.name);
    const old = before.mailboxes.get(mailbox.id);
    // RFC 5465 §5.4: children go along with their parent, without a word.
    if (old && parentNames(key).some((parent) => renamed.has(parent))) continue;
    if (!old) addParent(mailbox, parents);
    const name = now.names.get(key);
    if (!name || !now.events.get(mailbox.id)?.has("MailboxName")) continue;
    told.add(key);
    const noAccess = isBlocked(mailbox, now);
    yield renderName(name, context, old ? { oldName: old.name, noAccess } : { noAccess });
  }
  for (const old of before.mailboxes.values()) {
    const key = mailboxKey(old.name);
    if (now.mailboxes.has(old.id) || now.names.get(key)?.mailbox) continue;
    addParent(old, parents);
    if (!before.events.get(old.id)?.has("MailboxName")) continue;
    told.add(key);
    yield renderName(nameAt(old.name, now), context);
  }
  for (const [parent, { isForeign, domain }] of parents) {
    const place = { name: parent, isForeign, domain };
    if (told.has(mailboxKey(parent))) continue;
    if (!eventsOf(place, request, now.subscribed).has("MailboxName")) continue;
    const name = nameAt(parent, now);
    yield renderName(name, context, {
      noAccess: name.mailbox !== null && isBlocked(name.mailbox, now),
    });
  }
}

function addParent(child: AccessibleMailbox, parents: Map<string, AccessibleMailbox>): void {
  const parent = parentNames(child.name).at(-1);
  if (parent !== undefined) parents.set(parent, child);
}

/** What there is to say about a name, also when nothing has it. */
function nameAt(name: string, { names, subscribed }: NotifySnapshot): Name {
  const key = mailboxKey(name);
  return names.get(key) ??
    { key, name, mailbox: null, isSubscribed: subscribed.has(key), hasChildren: false };
}

/** RFC 5465 §5.9: the right to read came or went. */
function* accessLines({ before, now, context }: Comparison): Generator<string> {
  for (const mailbox of now.mailboxes.values()) {
    const old = before.mailboxes.get(mailbox.id);
    const noAccess = isBlocked(mailbox, now);
    if (!old || old.name !== mailbox.name || isBlocked(old, before) === noAccess) continue;
    if ((now.events.get(mailbox.id)?.size ?? 0) === 0) continue;
    yield renderName(nameAt(mailbox.name, now), context, { noAccess });
  }
}

/** RFC 5465 §5.5. */
function* subscriptionLines({ before, now, request, context }: Comparison): Generator<string> {
  for (const key of before.subscribed.symmetricDifference(now.subscribed)) {
    const past = before.names.get(key);
    const name = now.names.get(key) ?? (past && nameAt(past.name, now));
    if (!name) continue;
    const place = name.mailbox ?? { name: name.name, isForeign: false, domain: null };
    const events = eventsOf(place, request, now.subscribed)
      .union(eventsOf(place, request, before.subscribed));
    if (!events.has("SubscriptionChange")) continue;
    // WHY: a name that is told anyway says \Subscribed already.
    const isTold = past?.mailbox?.id !== name.mailbox?.id && events.has("MailboxName");
    if (!isTold) yield renderName(name, context);
  }
}

/** RFC 5465 §5.1–5.3: STATUS of mailboxes other than the selected one. */
function* messageLines({ before, now, context }: Comparison): Generator<string> {
  for (const mailbox of now.mailboxes.values()) {
    const old = before.mailboxes.get(mailbox.id) ?? unborn(mailbox, before);
    if (old.highestModseq === mailbox.highestModseq && old.name === mailbox.name) continue;
    if (isSelected(mailbox.id, context) || !mailbox.rights.has("r")) continue;
    const events = now.events.get(mailbox.id) ?? new Set();
    const items = changedItems({ old, mailbox, events }, context);
    if (items.length === 0) continue;
    yield renderStatus({ name: mailbox.name, mailbox, counts: new Map() }, items, context);
  }
}

/** What the client believes of a mailbox that it had not heard of, or of another one of that name. */
function unborn(mailbox: AccessibleMailbox, before: NotifySnapshot): AccessibleMailbox {
  const replaced = before.names.get(mailboxKey(mailbox.name))?.mailbox;
  return {
    ...mailbox,
    uidValidity: replaced?.uidValidity ?? mailbox.uidValidity,
    highestModseq: 0 as Modseq,
    uidNext: 1 as Uid,
    messages: 0,
    unseen: 0,
  };
}

function changedItems(
  { old, mailbox: now, events }: {
    readonly old: AccessibleMailbox;
    readonly mailbox: AccessibleMailbox;
    readonly events: ReadonlySet<NotifyEvent>;
  },
  { enabled: { condstore } }: Comparison["context"],
): StatusItem[] {
  const modseq: StatusItem[] = condstore ? ["HIGHESTMODSEQ"] : [];
  const hasMoved = old.messages !== now.messages || old.uidNext !== now.uidNext ||
    old.uidValidity !== now.uidValidity;
  if (hasMoved && events.has("MessageNew")) {
    return ["UIDVALIDITY", "UIDNEXT", "MESSAGES", "UNSEEN", ...modseq];
  }
  if (!events.has("FlagChange")) return [];
  return condstore || old.unseen !== now.unseen ? ["UIDVALIDITY", "UNSEEN", ...modseq] : [];
}

/** RFC 5465 §5.6, §5.7: names only, those of removed entries included. */
function* metadataLines({ before, now, request, context }: Comparison): Generator<string> {
  const changed = new Map<number, string[]>();
  for (const key of new Set([...before.metadata.keys(), ...now.metadata.keys()])) {
    if (before.metadata.get(key) === now.metadata.get(key)) continue;
    const at = key.indexOf("/");
    const id = Number(key.slice(0, at));
    const entries = changed.get(id) ?? [];
    entries.push(key.slice(at));
    changed.set(id, entries);
  }
  for (const [id, entries] of changed) {
    const mailbox = now.mailboxes.get(id as MailboxId);
    // WHY: who could not read it a moment ago is not told what is no change.
    const couldRead = mailbox && before.mailboxes.get(mailbox.id)?.rights.has("r");
    const isWanted = mailbox
      ? mailbox.rights.has("r") && couldRead !== false &&
        now.events.get(mailbox.id)?.has("MailboxMetadataChange")
      : id === 0 && request.groups.some(({ events }) => events.has("ServerMetadataChange"));
    if (!isWanted) continue;
    yield `METADATA ${context.reply.mailbox(mailbox?.name ?? "")} ${entries.sort().join(" ")}`;
  }
}
