import { concat } from "../../lib/bytes.ts";
import { command, type Context } from "../command.ts";
import type { Incoming } from "../incoming.ts";
import { reply } from "../replies.ts";
import { complete, receive } from "../transaction.ts";
import { readNothing } from "../wire/arguments.ts";
import { DotDecoder } from "../wire/dot_decoder.ts";
import { BLOCK_BYTES, DRAIN_BYTES_MAX } from "../wire/limits.ts";

/** DATA: RFC 5321 §4.1.1.4; RFC 2033 §4.2: one reply per recipient after the dot. */
export const data = command("DATA", {
  states: ["rcpt"],
  parse: readNothing,
  async execute(_args, context) {
    const incoming = receive(context);
    context.reply(reply(354, null, "Send the message, end it with <CRLF>.<CRLF>"));
    const isWhole = await readMessage(context, incoming).finally(() => {
      context.connection.setMinimumRate(null);
    });
    if (isWhole) await complete(context, incoming);
    else {
      await incoming.fail(new Error("The client left in the middle of a message"));
      context.enter({ state: "closed" });
    }
    return null;
  },
});

/** Reads up to the final dot; false when the client leaves or sends without end. */
async function readMessage(context: Context, incoming: Incoming): Promise<boolean> {
  const { input, config, connection } = context;
  const decoder = new DotDecoder();
  connection.setMinimumRate(config.minBytesPerMinute);
  while (incoming.receivedBytes <= config.maxMessageSizeBytes + DRAIN_BYTES_MAX) {
    const block = await input.block(BLOCK_BYTES);
    if (!block) return false;
    const { pieces, end } = decoder.push(block);
    // WHY: before anything is awaited; the block is good until the next one.
    if (end >= 0) input.putBack(block.length - end);
    // WHY: joined, as a message of stuffed dots has thousands of pieces in a block.
    if (pieces.length > 0) await incoming.write(concat(pieces));
    if (end >= 0) return true;
  }
  return false;
}
