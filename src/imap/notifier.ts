import type { AccessibleMailbox } from "../auth/mailbox_access.ts";
import type { MailboxId } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { mailboxKey, parentNames } from "../store/mailbox_name.ts";
import type { Context } from "./command.ts";
import { sendNew } from "./commands/fetch.ts";
import { allNames, type Name } from "./commands/list/names.ts";
import { renderName } from "./commands/list.ts";
import type { NotifyEvent, NotifySet } from "./commands/notify/parse.ts";
import { countsFor, renderStatus, type StatusItem } from "./commands/status/items.ts";
import { isMeant } from "./mailbox_filter.ts";
import { lastUid } from "./view/uid_list.ts";
import type { View } from "./view/view.ts";

/** WHY: whatever happens in so short a time is told at once. */
const COALESCE_MS = 100;
/** RFC 5465 §5.8: a client that would be told more than this at a time is better off asking. */
const LINES_MAX = 500;
/** WHY: not every change has a notice here: those of other users' rights, for one. */
const LOOK_AGAIN_MS = 60_000;

/** What a notifier sees of its session. */
export interface NotifierHost extends Context {
  /** Says BYE and ends the connection, also while a command is waited for. */
  leave(text: string): void;
}

/** Everything about an account that a client can be told of: RFC 5465 §5. */
interface Snapshot {
  readonly mailboxes: ReadonlyMap<MailboxId, AccessibleMailbox>;
  readonly names: readonly Name[];
  /** Keys of names. */
  readonly subscribed: ReadonlySet<string>;
  /** `mailbox/entry` → digest of the value; mailbox 0 is the server. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * NOTIFY: RFC 5465. Tells one client, without being asked, what happens in its mailboxes: between
 * commands and in IDLE, never while a command runs.
 */
export class Notifier implements Disposable {
  readonly request: NotifySet;
  readonly #host: NotifierHost;
  #known: Snapshot | undefined;
  #view: View | null = null;
  /** New messages up to here have been fetched. */
  #fetchedUid = 0;
  #mayExpunge = false;
  #isOpen = false;
  #needsLook = false;
  #needsTell = false;
  #running: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #poll: ReturnType<typeof setInterval>;
  readonly #stops = new Map<MailboxId | "account" | "view", () => void>();

  constructor(host: NotifierHost, request: NotifySet) {
    this.#host = host;
    this.request = request;
    this.#poll = setInterval(() => this.#wake("look"), LOOK_AGAIN_MS);
  }

  /** Begins; with STATUS, says how things stand (RFC 5465 §3.1). */
  async start(): Promise<void> {
    if (this.request.groups.length === 0) return;
    const known = await this.#snapshot();
    this.#follow(known);
    if (this.request.status) await this.#tellStatus(known);
  }

  /** The client may be told things from now on; `expunges` in a command that allows them. */
  resume({ expunges }: { readonly expunges: boolean }): void {
    const { session } = this.#host;
    const { selected } = this.request;
    this.#isOpen = true;
    this.#mayExpunge = expunges || selected !== null && !selected.isDelayed;
    const view = session.state === "selected" && selected ? session.view : null;
    if (view !== this.#view) this.#watch(view);
    if (view && (selected?.events.size ?? 0) > 0) this.#wake("tell");
    if (this.#needsLook) this.#wake("look");
  }

  /** Resolves when nothing more is said. */
  async pause(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#running;
  }

  /** The client has just made messages of its own: they are no news (RFC 5465 §5.2). */
  skipNew(): void {
    if (this.#view) this.#fetchedUid = lastUid(this.#view.list);
  }

  [Symbol.dispose](): void {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    clearInterval(this.#poll);
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
  }

  #watch(view: View | null): void {
    this.#stops.get("view")?.();
    this.#stops.delete("view");
    this.#view = view;
    this.#fetchedUid = view ? lastUid(view.list) : 0;
    if (view) this.#stops.set("view", view.onChange(() => this.#wake("tell")));
  }

  #wake(what: "look" | "tell"): void {
    if (what === "look") this.#needsLook = this.#known !== undefined;
    else this.#needsTell = true;
    if (!this.#isOpen || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#running ??= this.#run().finally(() => this.#running = undefined);
    }, what === "tell" ? 0 : COALESCE_MS);
  }

  async #run(): Promise<void> {
    try {
      while (this.#isOpen && (this.#needsTell || this.#needsLook)) {
        if (this.#needsTell) await this.#tell();
        else await this.#look();
      }
    } catch (error) {
      if (error instanceof Refused && error.refusal.kind === "unavailable") {
        this.#host.log.warning("notify-failed", { error }); // the next notice tells the same
      } else if (error instanceof Refused) {
        this.#host.leave("The selected mailbox is gone or has changed, please reconnect");
      } else {
        this.#host.log.error("notify-broken", { error });
        this.#host.leave("Internal error");
      }
    }
  }

  /** What happened in the selected mailbox. */
  async #tell(): Promise<void> {
    this.#needsTell = false;
    const view = this.#view;
    const { selected } = this.request;
    if (!view || !selected || selected.events.size === 0) return;
    await view.tell(this.#host.reply, { expunges: this.#mayExpunge });
    const last = lastUid(view.list);
    if (last <= this.#fetchedUid) return;
    const after = this.#fetchedUid;
    this.#fetchedUid = last;
    if (selected.items.length > 0) await sendNew(selected.items, after, this.#host);
  }

  /** What happened elsewhere. */
  async #look(): Promise<void> {
    this.#needsLook = false;
    const before = this.#known;
    if (!before) return;
    const now = await this.#snapshot();
    this.#follow(now);
    const lines = [
      ...this.#nameLines(before, now),
      ...this.#subscriptionLines(before, now),
      ...this.#messageLines(before, now),
      ...this.#metadataLines(before, now),
    ];
    const { reply } = this.#host;
    if (lines.length > LINES_MAX) {
      reply.untagged("OK [NOTIFICATIONOVERFLOW] Too much has happened");
      this[Symbol.dispose]();
      return;
    }
    for (const line of lines) reply.untagged(line);
    await reply.drained();
  }

  async #snapshot(): Promise<Snapshot> {
    const { session, services: { access, mailboxes, metadata } } = this.#host;
    if (!("user" in session)) throw new Refused({ kind: "gone", what: "session" });
    const { user } = session;
    const [list, subscriptions] = await Promise.all([
      access.list(user),
      mailboxes.subscriptions(user.accountId),
    ]);
    const wantsMetadata = this.request.groups.some(({ events }) =>
      events.has("MailboxMetadataChange") || events.has("ServerMetadataChange")
    );
    return {
      mailboxes: new Map(list.map((mailbox) => [mailbox.id, mailbox])),
      names: allNames(list, subscriptions),
      subscribed: new Set(subscriptions.map(mailboxKey)),
      metadata: wantsMetadata
        ? await metadata.digests(list.map(({ id }) => id), user.accountId)
        : new Map(),
    };
  }

  /** Hears of every mailbox that is watched, and of the account. */
  #follow(now: Snapshot): void {
    const { session, services: { mailboxes: { notices } } } = this.#host;
    this.#known = now;
    const look = () => this.#wake("look");
    if (!this.#stops.has("account") && "user" in session) {
      this.#stops.set("account", notices.onAccount(session.user.accountId, look));
    }
    for (const mailbox of now.mailboxes.values()) {
      if (this.#stops.has(mailbox.id)) continue;
      if (this.#eventsOf(mailbox, now).size === 0) continue;
      this.#stops.set(mailbox.id, notices.on(mailbox.id, look));
    }
    for (const [id, stop] of this.#stops) {
      if (typeof id === "string" || now.mailboxes.has(id)) continue;
      stop();
      this.#stops.delete(id);
    }
  }

  /** RFC 5465 §6: what every event-group that means the mailbox asks for. */
  #eventsOf(
    mailbox: Pick<AccessibleMailbox, "name" | "isForeign" | "domain">,
    { subscribed }: Snapshot,
  ): ReadonlySet<NotifyEvent> {
    const events = new Set<NotifyEvent>();
    for (const group of this.request.groups) {
      if (!isMeant(mailbox, group.filter, subscribed)) continue;
      for (const event of group.events) events.add(event);
    }
    return events;
  }

  get #selectedId(): MailboxId | null {
    const { session } = this.#host;
    return session.state === "selected" ? session.view.mailbox.id : null;
  }

  /** RFC 5465 §5.1–5.3: STATUS of mailboxes other than the selected one. */
  *#messageLines(before: Snapshot, now: Snapshot): Generator<string> {
    for (const mailbox of now.mailboxes.values()) {
      const old = before.mailboxes.get(mailbox.id);
      if (!old || old.highestModseq === mailbox.highestModseq && old.name === mailbox.name) {
        continue;
      }
      if (mailbox.id === this.#selectedId || !mailbox.rights.has("r")) continue;
      const events = this.#eventsOf(mailbox, now);
      const items = this.#changedItems(old, mailbox, events);
      if (items.length === 0) continue;
      const { name } = mailbox;
      yield renderStatus({ name, mailbox, counts: new Map() }, items, this.#host);
    }
  }

  #changedItems(
    old: AccessibleMailbox,
    now: AccessibleMailbox,
    events: ReadonlySet<NotifyEvent>,
  ): StatusItem[] {
    const { condstore } = this.#host.enabled;
    const modseq: StatusItem[] = condstore ? ["HIGHESTMODSEQ"] : [];
    const hasMoved = old.messages !== now.messages || old.uidNext !== now.uidNext;
    if (hasMoved && events.has("MessageNew")) {
      return ["UIDVALIDITY", "UIDNEXT", "MESSAGES", "UNSEEN", ...modseq];
    }
    if (!events.has("FlagChange")) return [];
    return condstore || old.unseen !== now.unseen ? ["UIDVALIDITY", "UNSEEN", ...modseq] : [];
  }

  /** RFC 5465 §5.4: what came, went, or has another name. */
  *#nameLines(before: Snapshot, now: Snapshot): Generator<string> {
    const byKey = new Map(now.names.map((name) => [mailboxKey(name.name), name]));
    const renamed = new Set<string>();
    for (const mailbox of now.mailboxes.values()) {
      const old = before.mailboxes.get(mailbox.id);
      if (old && old.name !== mailbox.name) renamed.add(mailboxKey(mailbox.name));
    }
    for (const mailbox of now.mailboxes.values()) {
      const old = before.mailboxes.get(mailbox.id);
      if (old?.name === mailbox.name || !this.#wantsNames(mailbox, now)) continue;
      // RFC 5465 §5.4: children go along with their parent, without a word.
      if (old && parentNames(mailboxKey(mailbox.name)).some((parent) => renamed.has(parent))) {
        continue;
      }
      const name = byKey.get(mailboxKey(mailbox.name));
      if (name) yield renderName(name, this.#host, old ? { oldName: old.name } : {});
    }
    for (const old of before.mailboxes.values()) {
      const isThere = now.mailboxes.has(old.id) || byKey.get(mailboxKey(old.name))?.mailbox;
      if (isThere || !this.#wantsNames(old, before)) continue;
      const { name } = old;
      const isSubscribed = now.subscribed.has(mailboxKey(name));
      const hasChildren = byKey.get(mailboxKey(name))?.hasChildren ?? false;
      yield renderName({ name, mailbox: null, isSubscribed, hasChildren }, this.#host);
    }
  }

  #wantsNames(mailbox: AccessibleMailbox, at: Snapshot): boolean {
    return this.#eventsOf(mailbox, at).has("MailboxName");
  }

  /** RFC 5465 §5.5. */
  *#subscriptionLines(before: Snapshot, now: Snapshot): Generator<string> {
    for (const name of [...now.names, ...before.names.filter(({ mailbox }) => !mailbox)]) {
      const key = mailboxKey(name.name);
      if (before.subscribed.has(key) === now.subscribed.has(key)) continue;
      const place = name.mailbox ?? { name: name.name, isForeign: false, domain: null };
      const events = this.#eventsOf(place, now).union(this.#eventsOf(place, before));
      if (!events.has("SubscriptionChange")) continue;
      // WHY: a name that is told anyway says \Subscribed already.
      const old = name.mailbox && before.mailboxes.get(name.mailbox.id);
      if (name.mailbox && old?.name !== name.name && events.has("MailboxName")) continue;
      yield renderName({ ...name, isSubscribed: now.subscribed.has(key) }, this.#host);
    }
  }

  /** RFC 5465 §5.6, §5.7: names only, those of removed entries included. */
  *#metadataLines(before: Snapshot, now: Snapshot): Generator<string> {
    const changed = new Map<number, string[]>();
    for (const key of new Set([...before.metadata.keys(), ...now.metadata.keys()])) {
      if (before.metadata.get(key) === now.metadata.get(key)) continue;
      const at = key.indexOf("/");
      const id = Number(key.slice(0, at));
      changed.set(id, [...changed.get(id) ?? [], key.slice(at)]);
    }
    for (const [id, entries] of changed) {
      const mailbox = now.mailboxes.get(id as MailboxId);
      const isWanted = mailbox
        ? this.#eventsOf(mailbox, now).has("MailboxMetadataChange")
        : id === 0 && this.request.groups.some(({ events }) => events.has("ServerMetadataChange"));
      if (!isWanted) continue;
      yield `METADATA ${this.#host.reply.mailbox(mailbox?.name ?? "")} ${entries.sort().join(" ")}`;
    }
  }

  async #tellStatus(now: Snapshot): Promise<void> {
    const items: StatusItem[] = this.#host.enabled.condstore
      ? ["UIDVALIDITY", "UIDNEXT", "MESSAGES", "UNSEEN", "HIGHESTMODSEQ"]
      : ["UIDVALIDITY", "UIDNEXT", "MESSAGES", "UNSEEN"];
    const watched = [...now.mailboxes.values()].filter((mailbox) =>
      mailbox.id !== this.#selectedId && mailbox.rights.has("r") &&
      this.#eventsOf(mailbox, now).has("MessageNew")
    );
    const counts = await countsFor(watched, items, this.#host);
    const { reply } = this.#host;
    for (const mailbox of watched) {
      reply.untagged(renderStatus({ name: mailbox.name, mailbox, counts }, items, this.#host));
      await reply.drained();
    }
  }
}
