import { Refused } from "../../../lib/refused.ts";
import type { Scanner } from "../../wire/scanner.ts";
import { type MailboxFilter, mailboxFilter } from "../../mailbox_filter.ts";
import { type FetchItem, fetchItems } from "../fetch/items.ts";

/** What a client is told of without asking: RFC 5465 §5. */
export type NotifyEvent =
  | "MessageNew"
  | "MessageExpunge"
  | "FlagChange"
  | "MailboxName"
  | "SubscriptionChange"
  | "MailboxMetadataChange"
  | "ServerMetadataChange";

/** RFC 5465 §8 BADEVENT: every event there is here. */
export const EVENTS: readonly NotifyEvent[] = [
  "MessageNew",
  "MessageExpunge",
  "FlagChange",
  "MailboxName",
  "SubscriptionChange",
  "MailboxMetadataChange",
  "ServerMetadataChange",
];

/** Events of some mailboxes. */
export interface EventGroup {
  readonly filter: MailboxFilter;
  /** Empty for NONE. */
  readonly events: ReadonlySet<NotifyEvent>;
}

/** Events of whatever mailbox is selected: RFC 5465 §6.1. */
export interface SelectedEvents {
  readonly events: ReadonlySet<NotifyEvent>;
  /** SELECTED-DELAYED: expunges wait for a command that allows them. */
  readonly isDelayed: boolean;
  /** What is fetched of each new message. */
  readonly items: readonly FetchItem[];
}

/** `NOTIFY SET`. */
export interface NotifySet {
  /** STATUS first, for every mailbox that is watched. */
  readonly status: boolean;
  /** null: nothing about the selected mailbox. */
  readonly selected: SelectedEvents | null;
  readonly groups: readonly EventGroup[];
}

/** WHY: each is matched with every mailbox, again and again. */
const GROUPS_MAX = 100;

/**
 *     notify = "NOTIFY" SP ("SET" [SP "STATUS"] SP event-group *(SP event-group) / "NONE")  RFC 5465 §8
 *
 * null for NONE. Throws `bad-event` for an event that is not known here.
 */
export function notifyRequest(wire: Scanner): NotifySet | null {
  if (wire.maybe("NONE")) return null;
  wire.expect("SET").sp();
  const status = wire.maybe("STATUS ");
  let selected: SelectedEvents | null = null;
  const groups: EventGroup[] = [];
  const parser = new Parser(wire);
  do {
    const group = parser.group();
    if ("filter" in group) groups.push(group);
    else if (selected) wire.fail("one of SELECTED and SELECTED-DELAYED, once");
    else selected = group;
    if (groups.length > GROUPS_MAX) wire.fail(`at most ${GROUPS_MAX} event-groups`);
  } while (wire.maybe(" "));
  // RFC 5465 §3.1: an unknown event is NO, once the whole command has been read.
  wire.end();
  if (parser.hasUnknownEvent) throw new Refused({ kind: "bad-event", known: EVENTS });
  return { status, selected, groups };
}

function isMessageEvent(event: NotifyEvent): boolean {
  return event === "MessageNew" || event === "MessageExpunge" || event === "FlagChange";
}

interface Events {
  readonly events: ReadonlySet<NotifyEvent>;
  readonly items: readonly FetchItem[] | null;
}

class Parser {
  readonly #wire: Scanner;
  hasUnknownEvent = false;

  constructor(wire: Scanner) {
    this.#wire = wire;
  }

  group(): EventGroup | SelectedEvents {
    const wire = this.#wire;
    wire.open();
    const word = wire.word();
    const isDelayed = word === "SELECTED-DELAYED";
    if (isDelayed || word === "SELECTED") {
      const { events, items } = this.#events(wire.sp());
      wire.close();
      for (const event of events) if (!isMessageEvent(event)) wire.fail("message-event");
      return { events, isDelayed, items: items ?? [] };
    }
    const filter = mailboxFilter(wire, word);
    if (filter.kind === "subtree-one") wire.fail("filter-mailboxes");
    const { events, items } = this.#events(wire.sp());
    wire.close();
    // RFC 5465 §8: fetch-att only for the selected mailbox.
    if (items) wire.fail("no fetch-att here");
    return { filter, events };
  }

  #events(wire: Scanner): Events {
    const events = new Set<NotifyEvent>();
    if (wire.maybe("NONE")) return { events, items: null };
    let items: readonly FetchItem[] | null = null;
    wire.list(() => {
      const name = wire.word();
      const event = EVENTS.find((known) => known.toUpperCase() === name);
      if (!event) this.hasUnknownEvent = true;
      else events.add(event);
      if (event === "MessageNew" && wire.continues(/ \(/y)) items = fetchItems(wire.sp());
    });
    const isWhole = events.has("MessageNew") && events.has("MessageExpunge");
    // RFC 5465 §5: the first two only together, and the third only with them.
    if (!isWhole && [...events].some(isMessageEvent)) {
      wire.fail("MessageNew and MessageExpunge together");
    }
    return { events, items };
  }
}
