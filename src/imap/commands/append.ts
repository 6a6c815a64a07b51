import { objectKey } from "../../blobs/blobs.ts";
import { Spool, type Spooled } from "../../blobs/spool.ts";
import type { AccountId, MailboxId } from "../../lib/ids.ts";
import { inTurns } from "../../lib/pace.ts";
import { Refused } from "../../lib/refused.ts";
import { messageFactsInSteps } from "../../message/facts.ts";
import { MessageParser, type ParsedMessage } from "../../message/parser.ts";
import { command, type Completion, type Context } from "../command.ts";
import { readFlags } from "../wire/flags.ts";

/**
 * APPEND: RFC 3501 §6.3.11, APPENDUID RFC 4315 §3. What can be refused is refused before the client
 * is asked for the message, which is hashed and parsed while it arrives.
 *
 *     append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal  RFC 3501 §9
 */
export const append = command("APPEND", {
  states: ["authenticated", "selected"],
  capability: ["UIDPLUS"],
  streams: true,
  tryCreate: true,
  parse(wire) {
    const name = wire.sp().mailbox();
    wire.sp();
    const flagList = wire.peek() === "(" ? wire.flagList() : null;
    if (flagList) wire.sp();
    const internalDate = wire.peek() === '"' ? wire.dateTime() : null;
    if (internalDate) wire.sp();
    return {
      name,
      flagList: flagList ?? readFlags([]),
      internalDate,
      size: wire.streamedLiteral(),
    };
  },
  async execute({ name, flagList, internalDate, size: { sizeBytes } }, context) {
    const { session: { user }, services: { access, config } } = context;
    const { id, accountId } = await access.find(user, name, ["i"]);
    const limitBytes = config.appendLimitBytes;
    if (sizeBytes > limitBytes) throw new Refused({ kind: "too-big", limitBytes });
    if (sizeBytes === 0) throw new Refused({ kind: "empty-message" });
    const { parsed, spooled } = await receive(context);
    try {
      const target = { mailbox: id, accountId, internalDate: internalDate ?? new Date() };
      return await store({ parsed, spooled, ...target, ...flagList }, context);
    } finally {
      await spooled.discard();
    }
  },
});

interface Received {
  readonly parsed: ParsedMessage;
  /** For the caller to discard. */
  readonly spooled: Spooled;
}

/** The message as it arrives; nothing of it is left behind when the client goes away meanwhile. */
async function receive({ services, literal }: AppendContext): Promise<Received> {
  const { sizeBytes } = literal.header;
  const spool = new Spool(services.spoolDir, { expectedBytes: sizeBytes });
  try {
    const parser = new MessageParser();
    for await (const chunk of literal.chunks()) {
      parser.push(chunk);
      await spool.write(chunk);
    }
    await literal.end();
    return { parsed: parser.finish(), spooled: await spool.finish() };
  } finally {
    await spool.discard(); // nothing happens once it is finished
  }
}

/** The body first, durably, then the row that makes it a message. */
async function store(
  { parsed, spooled, ...target }: Received & {
    readonly mailbox: MailboxId;
    readonly accountId: AccountId;
    readonly internalDate: Date;
    readonly flags: number;
    readonly keywords: readonly string[];
  },
  { session: { user }, services: { blobs, messages, metrics } }: AppendContext,
): Promise<Completion> {
  const key = objectKey(user.address, spooled.hash);
  await blobs.put(key, spooled);
  const { uid, uidValidity } = await messages.append({
    ...target,
    hash: spooled.hash,
    objectKey: key,
    facts: await inTurns(messageFactsInSteps(parsed)),
    deliveryKey: null,
  });
  metrics.messageSizeBytes.observe({ protocol: "imap" }, spooled.sizeBytes);
  metrics.messagesThroughputTotal.inc({
    protocol: "imap",
    operation: "appended",
    status: "success",
  });
  return { code: `APPENDUID ${uidValidity} ${uid}` };
}

type AppendContext = Context<"authenticated" | "selected">;
