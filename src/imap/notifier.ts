import type { MailboxId, Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { Refused } from "../lib/refused.ts";
import { ConnectionGone } from "../net/connection.ts";
import type { UidSet } from "../store/uid_set.ts";
import type { Context } from "./command.ts";
import { sendNew } from "./commands/fetch.ts";
import type { NotifySet } from "./commands/notify/parse.ts";
import { countsFor, renderStatus, type StatusItem } from "./commands/status/items.ts";
import { isSelected, noAccessLines, notifyLines } from "./notify_lines.ts";
import { type NotifySnapshot, notifySnapshot } from "./notify_snapshot.ts";
import { lastUid, lowerBound } from "./view/uid_list.ts";
import type { View } from "./view/view.ts";

/** WHY: whatever happens in so short a time is told at once. */
const COALESCE_MS = 100;
/** RFC 5465 §5.8: a client that would be told more than this at a time is better off asking. */
const LINES_MAX = 500;
/** WHY: not every change has a notice here: those of other users' rights, for one. */
const LOOK_AGAIN_MS = 60_000;

/** Memory that a mailbox takes, its name and its events included; and an annotation. */
const MAILBOX_BYTES = 1_000;
const ENTRY_BYTES = 300;

/** What a notifier sees of its session. */
export interface NotifierHost extends Context {
  /** Says BYE and ends the connection, also while a command is waited for. */
  leave(text: string): void;
  /** As after NOTIFY NONE. */
  stopNotifying(): void;
}

/**
 * NOTIFY: RFC 5465. Tells one client, without being asked, what happens in its mailboxes: between
 * commands and in IDLE, never while a command runs.
 */
export class Notifier implements Disposable {
  readonly request: NotifySet;
  readonly #host: NotifierHost;
  #known: NotifySnapshot | undefined;
  #view: View | null = null;
  /** New messages up to here have been fetched. */
  #fetchedUid = 0;
  /** New messages that the client has made itself. */
  #own: UidSet = NONE;
  #mayExpunge = false;
  #isOpen = false;
  #needsLook = false;
  #needsTell = false;
  #running: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #poll: ReturnType<typeof setInterval>;
  #heldBytes = 0;
  readonly #stops = new Map<MailboxId | "account" | "view", () => void>();

  constructor(host: NotifierHost, request: NotifySet) {
    this.#host = host;
    this.request = request;
    this.#poll = setInterval(() => this.#wake("look"), LOOK_AGAIN_MS);
  }

  /** Begins; with STATUS, says how things stand (RFC 5465 §3.1). */
  async start(): Promise<void> {
    if (this.request.groups.length === 0) return;
    const known = await notifySnapshot(this.request, this.#host);
    if (!this.#isKept(known)) throw new Refused({ kind: "notification-overflow" });
    this.#follow(known);
    const { reply } = this.#host;
    for (const line of noAccessLines(known, this.#host)) {
      reply.untagged(line);
      await reply.drained();
    }
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

  /** The client itself has put messages into a mailbox: they are no news (RFC 5465 §5.2). */
  made(mailbox: MailboxId, uids: UidSet): void {
    if (this.#view?.mailbox.id !== mailbox) return;
    this.#own = NumberSet.of([...this.#own.ranges, ...uids.ranges]);
  }

  [Symbol.dispose](): void {
    this.#isOpen = false;
    this.#known = undefined;
    this.#hold(0);
    clearTimeout(this.#timer);
    clearInterval(this.#poll);
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
  }

  #watch(view: View | null): void {
    this.#stops.get("view")?.();
    this.#stops.delete("view");
    this.#view = view;
    this.#own = NONE;
    this.#fetchedUid = view ? lastUid(view.list) : 0;
    if (view) this.#stops.set("view", view.onChange(() => this.#wake("tell")));
  }

  #wake(what: "look" | "tell"): void {
    if (what === "look") this.#needsLook = this.#known !== undefined;
    else this.#needsTell = true;
    this.#schedule();
  }

  #schedule(): void {
    if (!this.#needsTell && !this.#needsLook) return;
    if (!this.#isOpen || this.#timer !== undefined || this.#running) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#running = this.#run().finally(() => {
        this.#running = undefined;
        this.#schedule();
      });
    }, this.#needsTell ? 0 : COALESCE_MS);
  }

  async #run(): Promise<void> {
    try {
      if (this.#needsTell) await this.#tell();
      else await this.#look();
    } catch (error) {
      if (error instanceof ConnectionGone) return; // there is nobody to tell
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
    const { reply } = this.#host;
    await view.tell(reply, { expunges: this.#mayExpunge, unasked: true });
    await reply.drained();
    const last = lastUid(view.list);
    if (last > this.#fetchedUid && selected.items.length > 0) await this.#fetchNew();
    else this.#fetchedUid = last;
    // WHY: in pieces, as a command of the client must not wait for all of them.
    this.#needsTell ||= this.#fetchedUid < last;
    if (!this.#needsTell) this.#own = NONE;
  }

  async #fetchNew(): Promise<void> {
    const { log } = this.#host;
    const { items = [] } = this.request.selected ?? {};
    const { uids, last } = newUids(this.#view, { after: this.#fetchedUid, except: this.#own });
    try {
      await sendNew(items, uids, this.#host);
    } catch (error) {
      // WHY: a message that cannot be shown as the client wants it is no reason to send it away.
      if (!(error instanceof Refused) || error.refusal.kind !== "unknown-encoding") throw error;
      log.warning("notify-not-fetched", { error });
    }
    this.#fetchedUid = last;
  }

  /** What happened elsewhere. */
  async #look(): Promise<void> {
    this.#needsLook = false;
    const before = this.#known;
    if (!before) return;
    const now = await notifySnapshot(this.request, this.#host);
    if (this.#known !== before) return; // disposed of meanwhile
    if (!this.#isKept(now)) return this.#overflow();
    this.#follow(now);
    const { request } = this;
    const lines = [...notifyLines({ before, now, request, context: this.#host })];
    const { reply } = this.#host;
    if (lines.length > LINES_MAX) return this.#overflow();
    for (const line of lines) reply.untagged(line);
    await reply.drained();
  }

  #overflow(): void {
    this.#host.reply.untagged("OK [NOTIFICATIONOVERFLOW] Too much has happened");
    this.#host.stopNotifying();
  }

  /** False where there is no room for what would have to be known. */
  #isKept({ mailboxes, metadata }: NotifySnapshot): boolean {
    try {
      this.#hold(mailboxes.size * MAILBOX_BYTES + metadata.size * ENTRY_BYTES);
      return true;
    } catch (error) {
      if (error instanceof Refused && error.refusal.kind === "limit") return false;
      throw error;
    }
  }

  #hold(bytes: number): void {
    this.#host.memory.charge(bytes - this.#heldBytes);
    this.#heldBytes = bytes;
  }

  /** Hears of every mailbox that is watched, and of the account. */
  #follow(now: NotifySnapshot): void {
    const { session, services: { mailboxes: { notices } } } = this.#host;
    this.#known = now;
    const look = () => this.#wake("look");
    const heard = this.#stops.size;
    if (!this.#stops.has("account") && "user" in session) {
      this.#stops.set("account", notices.onAccount(session.user.accountId, look));
    }
    for (const { id } of now.mailboxes.values()) {
      if (this.#stops.has(id) || (now.events.get(id)?.size ?? 0) === 0) continue;
      this.#stops.set(id, notices.on(id, look));
    }
    // WHY: what happened between reading and listening had nobody to tell it to.
    if (this.#stops.size > heard) this.#wake("look");
    for (const [id, stop] of this.#stops) {
      if (typeof id === "string" || now.mailboxes.has(id)) continue;
      stop();
      this.#stops.delete(id);
    }
  }

  async #tellStatus(now: NotifySnapshot): Promise<void> {
    const items: StatusItem[] = this.#host.enabled.condstore
      ? ["UIDVALIDITY", "UIDNEXT", "MESSAGES", "UNSEEN", "HIGHESTMODSEQ"]
      : ["UIDVALIDITY", "UIDNEXT", "MESSAGES", "UNSEEN"];
    const watched = [...now.mailboxes.values()].filter((mailbox) =>
      !isSelected(mailbox.id, this.#host) && mailbox.rights.has("r") &&
      now.events.get(mailbox.id)?.has("MessageNew")
    );
    const counts = await countsFor(watched, items, this.#host);
    const { reply } = this.#host;
    for (const mailbox of watched) {
      reply.untagged(renderStatus({ name: mailbox.name, mailbox, counts }, items, this.#host));
      await reply.drained();
    }
  }
}

const NONE: UidSet = NumberSet.of<Uid>([]);
/** Messages that are fetched between two looks at whether the client has something to say. */
const NEW_MAX = 64;

/** The next new messages, up to `last`. */
function newUids(
  view: View | null,
  { after, except }: { readonly after: number; readonly except: UidSet },
): { readonly uids: UidSet; readonly last: number } {
  const uids: Uid[] = [];
  if (!view) return { uids: NONE, last: after };
  const { list } = view;
  const from = lowerBound(list, after + 1);
  const end = Math.min(list.count, from + NEW_MAX);
  for (let at = from; at < end; at++) {
    const uid = (list.uids[at] ?? 0) as Uid;
    if (!except.has(uid)) uids.push(uid);
  }
  return { uids: NumberSet.from(uids), last: list.uids[end - 1] ?? after };
}
