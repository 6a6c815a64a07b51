import { Spool, type Spooled } from "../blobs/spool.ts";
import { inTurns } from "../lib/pace.ts";
import { Refused } from "../lib/refused.ts";
import { type MessageFacts, messageFactsInSteps } from "../message/facts.ts";
import { MessageParser } from "../message/parser.ts";

export interface IncomingOptions {
  readonly spoolDir: string;
  /** Trace header, when all recipients have the same; else empty. */
  readonly prefix: Uint8Array;
  readonly sizeBytesMax: number;
  /** What MAIL announced; 0 = nothing. */
  readonly expectedBytes: number;
  /** When DATA or the first BDAT came: in the trace header, and the INTERNALDATE. */
  readonly receivedAt: Date;
}

/** A message that came in whole. */
export interface Received {
  readonly facts: MessageFacts;
  /** Whoever gets it discards it. */
  readonly spooled: Spooled;
  readonly receivedAt: Date;
}

/**
 * One message coming in: spooled, hashed and parsed block by block. The first thing that goes wrong
 * is kept, what follows is read and forgotten, and `finish` throws it: the client hears of it when
 * it expects a reply, not in the middle of its message.
 */
export class Incoming {
  readonly #options: IncomingOptions;
  readonly #spool: Spool;
  readonly #parser = new MessageParser();
  #receivedBytes = 0;
  #failure: unknown = undefined;

  constructor(options: IncomingOptions) {
    const { spoolDir, prefix, expectedBytes } = options;
    this.#options = options;
    this.#spool = new Spool(spoolDir, { prefix, expectedBytes });
  }

  /** Octets so far, forgotten ones included. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get receivedAt(): Date {
    return this.#options.receivedAt;
  }

  /** What went wrong, if anything has. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Takes a block, which is free to change afterwards. Never throws. */
  async write(block: Uint8Array): Promise<void> {
    this.#receivedBytes += block.length;
    if (this.#failure !== undefined) return;
    const limitBytes = this.#options.sizeBytesMax;
    if (this.#receivedBytes > limitBytes) {
      return await this.fail(new Refused({ kind: "too-big", limitBytes }));
    }
    try {
      this.#parser.push(block);
      await this.#spool.write(block);
    } catch (error) {
      await this.fail(error);
    }
  }

  /** Gives the message up for this reason. Never throws. */
  async fail(reason: unknown): Promise<void> {
    this.#failure ??= reason;
    await this.#spool.discard();
  }

  /** Forgets the message without waiting for it; nothing happens once it is finished. */
  drop(): void {
    void this.fail(new Error("The message was given up"));
  }

  /** The whole message. Throws why there is none: `too-big`, `empty-message`, `unavailable`. */
  async finish(): Promise<Received> {
    if (this.#receivedBytes === 0) await this.fail(new Refused({ kind: "empty-message" }));
    if (this.#failure !== undefined) throw this.#failure;
    const facts = await inTurns(messageFactsInSteps(this.#parser.finish()));
    return { facts, spooled: await this.#spool.finish(), receivedAt: this.receivedAt };
  }
}
