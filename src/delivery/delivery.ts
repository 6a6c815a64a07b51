import { type Blobs, type Durability, objectKey, type PutOptions } from "../blobs/blobs.ts";
import type { Spooled } from "../blobs/spool.ts";
import type { Hash, MailboxId, Uid } from "../lib/ids.ts";
import type { MessageFacts } from "../message/facts.ts";
import type { Log } from "../observe/log.ts";
import type { Recipient } from "../store/accounts.ts";
import type { MessageStore } from "../store/messages.ts";

export interface DeliveryServices {
  readonly messages: Pick<MessageStore, "append">;
  readonly blobs: Blobs;
  readonly log: Log;
}

/** One message as one recipient gets it: trace header included. */
export interface IncomingMessage {
  readonly facts: MessageFacts;
  /** Stays the caller's, who discards it. */
  readonly spooled: Spooled;
  /** Hash of what the MTA sent: the same message sent again is not stored again. */
  readonly deliveryKey: Hash;
  readonly receivedAt: Date;
  /** Where the body has to be before the message is acknowledged; default: as `[uploader]` says. */
  readonly durability?: Durability | undefined;
}

/** Where a message went. */
export interface Delivered {
  readonly mailbox: MailboxId;
  readonly uid: Uid;
  /** It had been delivered before; nothing was stored. */
  readonly duplicate: boolean;
}

/** Brings a message into an account. */
export class Delivery {
  readonly #services: DeliveryServices;

  constructor(services: DeliveryServices) {
    this.#services = services;
  }

  /**
   * Stores the body durably, then the message; both are safe when this resolves. Throws
   * `unavailable`, or a refusal of the store. A body whose message was not stored is left to the
   * cleaner: somebody else may be storing the same body now.
   */
  async deliver(recipient: Recipient, message: IncomingMessage): Promise<Delivered> {
    const { blobs, messages, log } = this.#services;
    const { facts, spooled, deliveryKey, receivedAt } = message;
    const key = objectKey(recipient.address, spooled.hash);
    const pending = await blobs.put(key, spooled, durabilityOf(message));
    const mailbox = destination(recipient);
    const { uid, duplicate } = await messages.append({
      mailbox,
      accountId: recipient.accountId,
      hash: spooled.hash,
      objectKey: key,
      facts,
      internalDate: receivedAt,
      flags: 0,
      keywords: [],
      deliveryKey,
      pending,
    });
    log.info("delivered", { account: recipient.accountId, mailbox, uid, duplicate });
    return { mailbox, uid, duplicate };
  }
}

/** Which mailbox a message goes to; the place where a Sieve script has its say. */
function destination(recipient: Recipient): MailboxId {
  return recipient.inbox;
}

function durabilityOf({ durability }: IncomingMessage): PutOptions {
  return durability === undefined ? {} : { durability };
}
