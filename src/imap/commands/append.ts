import { NumberSet } from "../../lib/number_set.ts";
import type { Appended } from "../../store/messages.ts";
import { isDisabled } from "../capability_config.ts";
import { command } from "../command.ts";
import { appendMessage } from "./append/append_message.ts";
import { countMessages } from "./append/count_messages.ts";
import { newMessages } from "./append/new_messages.ts";
import { Uploads } from "./append/uploads.ts";

/**
 * APPEND: RFC 3501 §6.3.11; several messages at once: RFC 3502, all or none. What can be refused is
 * refused before the client is asked for the next literal, which is hashed and parsed on its way.
 *
 *     append = "APPEND" SP mailbox 1*append-message                          RFC 4466 §6
 */
export const append = command("APPEND", {
  states: ["authenticated", "selected"],
  capability: ["UIDPLUS", "MULTIAPPEND", "CATENATE", "UTF8=ACCEPT"],
  streams: true,
  tryCreate: true,
  parse: (wire) => wire.sp().mailbox(),
  async execute(name, context) {
    const { session: { user }, services, input, made } = context;
    const target = await services.access.find(user, name, ["i"]);
    await using uploads = new Uploads(context);
    const several = !isDisabled("MULTIAPPEND", services.config);
    do await appendMessage(uploads, context); while (several && !input.wire.atEnd);
    input.end();
    const messages = await newMessages(uploads.list, target, context);
    const appended = await services.messages.viewedBy(target.viewer).appendAll(messages);
    countMessages(messages, services);
    made(target.id, NumberSet.from(appended.map(({ uid }) => uid)));
    return { code: appendUid(appended) };
  },
});

/** `resp-code-apnd = "APPENDUID" SP nz-number SP append-uid`, RFC 4315 §4; a set: RFC 3502. */
export function appendUid(appended: readonly Appended[]): string {
  const uids = NumberSet.from(appended.map(({ uid }) => uid));
  return `APPENDUID ${appended[0]?.uidValidity} ${uids}`;
}
