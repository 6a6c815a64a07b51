import type { Uid } from "../../lib/ids.ts";
import { command, type Context } from "../command.ts";
import { evaluate } from "./search/evaluate.ts";
import { searchKeys } from "./search/parse.ts";
import { resolve } from "./search/resolve.ts";

/** WHY: one line may name every message; it is written in pieces. */
const NUMBERS_PER_WRITE = 5_000;

/** SEARCH and UID SEARCH: RFC 3501 §6.4.4. Complete, however many messages match. */
export const search = command("SEARCH", {
  states: ["selected"],
  uid: true,
  expunges: false,
  parse: (wire) => searchKeys(wire.sp()),
  async execute(key, context) {
    await respond(await evaluate(resolve(key, context.session.view), context), context);
  },
});

/** `"SEARCH" *(SP nz-number)`, in the number space of the command: RFC 3501 §7.2.5. */
async function respond(
  uids: readonly Uid[],
  { session: { view }, reply, uid: byUid }: Context<"selected">,
): Promise<void> {
  reply.raw("* SEARCH");
  for (let from = 0; from < uids.length; from += NUMBERS_PER_WRITE) {
    let numbers = "";
    for (const uid of uids.slice(from, from + NUMBERS_PER_WRITE)) {
      numbers += ` ${byUid ? uid : view.numberOf(uid)}`;
    }
    reply.raw(numbers);
    await reply.drained();
  }
  reply.raw("\r\n");
}
