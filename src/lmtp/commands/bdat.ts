import { Refused } from "../../lib/refused.ts";
import { command, type Context } from "../command.ts";
import type { Incoming } from "../incoming.ts";
import { inLmtp, type Reply, reply, serverBug, wireError } from "../replies.ts";
import { complete, receive } from "../transaction.ts";
import { BLOCK_BYTES, DRAIN_BYTES_MAX } from "../wire/limits.ts";

interface Chunk {
  readonly sizeBytes: number;
  readonly isLast: boolean;
}

/**
 * BDAT: RFC 3030 §2, RFC 2033 §4.3.
 *
 *     bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CRLF
 *
 * The octets of a chunk are read in every state, because they are on their way whatever we answer
 * and must never be taken for commands. In the middle of a message only BDAT may follow (or RSET,
 * LHLO, QUIT).
 */
export const bdat = command("BDAT", {
  states: ["connected", "ready", "mail", "rcpt", "bdat"],
  keywords: () => ["CHUNKING"],
  parse(args): Chunk | null {
    const found = /^(\d{1,15})( +LAST)? *$/i.exec(args);
    return found && { sizeBytes: Number(found[1]), isLast: found[2] !== undefined };
  },
  async execute(chunk, context): Promise<Reply | null> {
    if (!chunk) return hangUp(context, wireError(501, "5.5.4", "Say BDAT size [LAST]").reply);
    if (chunk.sizeBytes > context.config.maxMessageSizeBytes + DRAIN_BYTES_MAX) {
      return hangUp(context, reply(552, "5.3.4", "Message is too big"));
    }
    const { session } = context;
    if (session.state === "rcpt" || session.state === "bdat") {
      return await take(chunk, { ...context, session });
    }
    if (!await transfer(context, chunk, null)) return leave(context);
    // RFC 2033 §4.3: the last chunk has one reply per accepted recipient, so none without any.
    if (chunk.isLast && session.state !== "connected") return null;
    throw wireError(503, "5.5.1", "Say MAIL and RCPT first");
  },
});

async function take(chunk: Chunk, context: Context<"rcpt" | "bdat">): Promise<Reply | null> {
  const { session, enter } = context;
  const incoming = session.state === "bdat" ? session.incoming : receive(context);
  const { helo, envelope, accepted } = session;
  enter({ state: "bdat", helo, envelope, accepted, incoming });
  if (!await transfer(context, chunk, incoming)) return leave(context);
  if (chunk.isLast) {
    await complete(context, incoming);
    return null;
  }
  const { failure } = incoming;
  if (failure === undefined) return reply(250, "2.0.0", `${chunk.sizeBytes} octets received`);
  return failure instanceof Refused ? inLmtp(failure.refusal) : serverBug;
}

/** Reads a whole chunk; false when the client leaves. */
async function transfer(
  { input, connection, config }: Context,
  chunk: Chunk,
  incoming: Incoming | null,
): Promise<boolean> {
  connection.setMinimumRate(config.minBytesPerMinute);
  try {
    for (let left = chunk.sizeBytes; left > 0;) {
      const block = await input.block(Math.min(left, BLOCK_BYTES));
      if (!block) return false;
      left -= block.length;
      await incoming?.write(block);
    }
    return true;
  } finally {
    connection.setMinimumRate(null);
  }
}

/** WHY: where the chunk ends is not known, so nothing that follows can be trusted to be a command. */
function hangUp(context: Context, last: Reply): null {
  context.reply(last);
  return leave(context);
}

function leave({ enter }: Context): null {
  enter({ state: "closed" });
  return null;
}
