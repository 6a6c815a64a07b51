import type { Sequence, Uid } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";
import { Refused } from "../../lib/refused.ts";
import { command, type Completion } from "../command.ts";
import type { View } from "../view/view.ts";
import { WireError } from "../wire/wire_error.ts";
import { appendUid } from "./append.ts";
import { appendMessage } from "./append/append_message.ts";
import { countMessages } from "./append/count_messages.ts";
import { newMessages } from "./append/new_messages.ts";
import { Uploads } from "./append/uploads.ts";

/**
 * REPLACE and UID REPLACE: RFC 8508 §3. The new message comes and the old one goes, both or neither.
 *
 *     replace = "REPLACE" SP seq-number SP mailbox append-message
 */
export const replace = command("REPLACE", {
  states: ["selected"],
  capability: "REPLACE",
  uid: true,
  streams: true,
  tryCreate: true,
  parse: (wire) => ({
    number: wire.sp().maybe("*") ? null : wire.nzNumber(),
    name: wire.sp().mailbox(),
  }),
  async execute({ number, name }, context): Promise<Completion> {
    const { session: { user, view }, services, input, reply, enabled, made } = context;
    if (view.readOnly) throw new Refused({ kind: "read-only" });
    const { id, rights } = view.mailbox;
    // RFC 8508 §4.1: as UID STORE +FLAGS \Deleted and UID EXPUNGE, and APPEND there.
    if (!rights.has("t") || !rights.has("e")) throw new Refused({ kind: "not-permitted" });
    const old = context.uid ? uidOf(number, view) : uidAt(number, view);
    const target = await services.access.find(user, name, ["i"]);
    await using uploads = new Uploads(context);
    await appendMessage(uploads, context);
    input.end();
    const messages = await newMessages(uploads.list, target, context);
    const [message] = messages;
    if (!message) throw new Error("Cannot replace a message by none");
    const { appended } = await services.messages.viewedBy(target.viewer)
      .replace(id, old, message);
    countMessages(messages, services);
    made(target.id, NumberSet.from([appended.uid]));
    view.recheck();
    // RFC 8508 §4.3: ahead of any EXPUNGE.
    reply.untagged(`OK [${appendUid([appended])}] Replacement message ready`);
    return enabled.qresync ? { code: () => `HIGHESTMODSEQ ${view.highestModseq}` } : {};
  },
});

/** RFC 3501 §9: "*" is the last message. */
function uidAt(number: number | null, view: View): Uid {
  const uid = view.uidAt((number ?? view.count) as Sequence);
  if (uid === undefined) throw new WireError(`message numbers up to ${view.count}`, 0);
  return uid;
}

function uidOf(number: number | null, view: View): Uid {
  const uid = number === null ? view.uidAt(view.count as Sequence) : number as Uid;
  if (uid === undefined || view.numberOf(uid) === undefined) {
    throw new Refused({ kind: "message-gone" });
  }
  return uid;
}
