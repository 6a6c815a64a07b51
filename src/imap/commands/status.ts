import { NUMBER_MAX, type Uid } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";
import type { Mailbox } from "../../store/mailboxes.ts";
import { command } from "../command.ts";
import type { ImapServices } from "../services.ts";
import type { Scanner } from "../wire/scanner.ts";

/** One status-att: its value for a mailbox. An extension adds its line here. */
type Attribute = (mailbox: Mailbox, services: ImapServices) => number | Promise<number>;

const attributes: Readonly<Record<string, Attribute>> = {
  MESSAGES: (mailbox) => mailbox.messages,
  RECENT: recent,
  UIDNEXT: (mailbox) => mailbox.uidNext,
  UIDVALIDITY: (mailbox) => mailbox.uidValidity,
  UNSEEN: (mailbox) => mailbox.unseen,
};

/**
 * STATUS: RFC 3501 §6.3.10. Works on the selected mailbox too, and changes nothing.
 *
 *     status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
 */
export const status = command("STATUS", {
  states: ["authenticated", "selected"],
  parse: (wire) => ({
    name: wire.sp().mailbox(),
    items: new Set(wire.sp().list(() => attribute(wire))),
  }),
  async execute({ name, items }, { session: { user }, services, reply }) {
    const mailbox = await services.access.find(user, name, ["r"]);
    const values: string[] = [];
    for (const item of items) {
      values.push(`${item} ${await attributes[item]?.(mailbox, services)}`);
    }
    // WHY: the name as the client wrote it, so that it recognises the mailbox it asked about.
    reply.untagged(`STATUS ${reply.mailbox(name)} (${values.join(" ")})`);
  },
});

function attribute(wire: Scanner): string {
  const word = wire.word();
  return Object.hasOwn(attributes, word) ? word : wire.fail("status-att");
}

/** A second query only when there can be recent messages and the client wants to know. */
async function recent(
  { id, recentUid, uidNext }: Mailbox,
  services: ImapServices,
): Promise<number> {
  if (recentUid >= uidNext) return 0;
  const uids = NumberSet.of<Uid>([[recentUid, NUMBER_MAX as Uid]]);
  return (await services.messages.search(id, { uids })).uids.length;
}
