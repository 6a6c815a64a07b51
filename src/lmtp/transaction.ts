import type { Spooled } from "../blobs/spool.ts";
import { Refused } from "../lib/refused.ts";
import { withPrefix } from "../message/facts.ts";
import type { Recipient } from "../store/accounts.ts";
import type { Context } from "./command.ts";
import { Incoming, type Received } from "./incoming.ts";
import { inLmtp, type Reply, reply, serverBug } from "./replies.ts";
import type { Accepted, Session } from "./session.ts";
import { traceHeader } from "./trace.ts";

/** Deliveries of one message under way at a time: enough to share commits, few enough for fairness. */
const CONCURRENT_MAX = 16;

type InTransaction = Context<"rcpt" | "bdat">;

/** Begins to take the message of a transaction. */
export function receive(context: InTransaction): Incoming {
  const { session, services, config } = context;
  const [only, ...others] = copies(session.accepted);
  const receivedAt = new Date();
  // WHY: with one copy, the trace header is known now and the hash is done with the last octet.
  const prefix = only && others.length === 0 ? traceOf(only, context, receivedAt) : NO_PREFIX;
  return new Incoming({
    spoolDir: services.spoolDir,
    prefix,
    sizeBytesMax: config.maxMessageSizeBytes,
    expectedBytes: session.envelope.sizeBytes,
    receivedAt,
  });
}

/**
 * RFC 2033 §4.2: delivers to everybody and sends one reply for each RCPT that was accepted, in their
 * order, each as soon as it is known. What fails for one does not touch the others. Ends the
 * transaction.
 */
export async function complete(context: InTransaction, incoming: Incoming): Promise<void> {
  const { session, services, log } = context;
  const started = performance.now();
  // RFC 2033 §5: replies are not held back while deliveries are waited for.
  context.connection.release();
  const received = await incoming.finish().catch((error: unknown) => {
    const failed = replyTo(error, context);
    for (const _ of session.accepted) answer(context, failed, started);
    return null;
  });
  try {
    if (!received) return;
    services.metrics.messageSizeBytes.observe({ protocol: "lmtp" }, incoming.receivedBytes);
    const replies = deliverAll(context, received);
    for (const { recipient } of session.accepted) {
      const reply = await replies.get(recipient.accountId);
      answer(context, reply ?? serverBug, started);
    }
  } finally {
    await received?.spooled.discard();
    log.debug("transaction over", { recipients: session.accepted.length });
    context.enter(readyAgain(session));
  }
}

/** RFC 5321 §4.1.4: back to where LHLO left the session. */
export function readyAgain({ helo }: { readonly helo: string }): Session {
  return { state: "ready", helo };
}

const NO_PREFIX = new Uint8Array(0);

/** One copy per account: an address and its alias in one transaction are one delivery. */
function copies(accepted: readonly Accepted[]): readonly Accepted[] {
  const byAccount = new Map<number, Accepted>();
  for (const one of accepted) {
    if (!byAccount.has(one.recipient.accountId)) byAccount.set(one.recipient.accountId, one);
  }
  return [...byAccount.values()];
}

/** Starts the deliveries; each promise gives its reply and never rejects. */
function deliverAll(context: InTransaction, received: Received): Map<number, Promise<Reply>> {
  const waiting = copies(context.session.accepted);
  const replies = new Map<number, Promise<Reply>>();
  const lanes: Promise<unknown>[] = Array.from(
    { length: CONCURRENT_MAX },
    () => Promise.resolve(),
  );
  for (const [at, one] of waiting.entries()) {
    const lane = at % CONCURRENT_MAX;
    const delivery = (lanes[lane] ?? Promise.resolve()).then(() =>
      deliverOne(context, { received, one, isOnly: waiting.length === 1 })
    );
    lanes[lane] = delivery;
    replies.set(one.recipient.accountId, delivery);
  }
  return replies;
}

interface Copy {
  readonly received: Received;
  readonly one: Accepted;
  readonly isOnly: boolean;
}

async function deliverOne(context: InTransaction, copy: Copy): Promise<Reply> {
  const { delivery, metrics } = context.services;
  const { received, one } = copy;
  const { receivedAt } = received;
  try {
    const prefix = traceOf(one, context, receivedAt);
    const spooled: Spooled = copy.isOnly
      ? received.spooled
      : await received.spooled.withPrefix(prefix);
    const { duplicate } = await delivery.deliver(one.recipient, {
      facts: withPrefix(received.facts, prefix),
      spooled,
      deliveryKey: received.spooled.receivedHash,
      receivedAt,
      durability: context.config.durability,
    });
    const operation = duplicate ? "duplicate" : "delivered";
    metrics.messagesThroughputTotal.inc({ protocol: "lmtp", operation, status: "success" });
    return reply(250, "2.1.5", `Delivered, id ${context.connection.id}`);
  } catch (error) {
    const operation = "delivered";
    metrics.messagesThroughputTotal.inc({ protocol: "lmtp", operation, status: "failure" });
    return replyTo(error, context, one.recipient);
  }
}

function traceOf(one: Accepted, context: InTransaction, receivedAt: Date): Uint8Array {
  const { session, connection, config } = context;
  return traceHeader({
    envelope: session.envelope,
    forwardPath: one.path.text,
    primary: one.recipient.address,
    helo: session.helo,
    clientHost: connection.remote.host,
    hostname: config.hostname,
    sessionId: connection.id,
    receivedAt,
  });
}

function answer(context: InTransaction, one: Reply, started: number): void {
  const seconds = (performance.now() - started) / 1000;
  context.services.metrics.deliveryDuration.observe({ protocol: "lmtp" }, seconds);
  context.reply(one);
}

function replyTo(error: unknown, { log }: InTransaction, recipient?: Recipient): Reply {
  const account = recipient ? { account: recipient.accountId } : {};
  if (!(error instanceof Refused)) {
    log.error("delivery failed", { ...account, error });
    return serverBug;
  }
  const { kind } = error.refusal;
  if (kind === "unavailable") log.warning("delivery deferred", { ...account, kind, error });
  else log.info("delivery refused", { ...account, kind });
  return inLmtp(error.refusal);
}
