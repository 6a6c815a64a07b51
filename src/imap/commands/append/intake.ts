import { Spool, type Spooled } from "../../../blobs/spool.ts";
import { inTurns } from "../../../lib/pace.ts";
import { type Refusal, Refused } from "../../../lib/refused.ts";
import { type MessageFacts, messageFactsInSteps } from "../../../message/facts.ts";
import { MessageParser } from "../../../message/parser.ts";

/** Where a message is kept while it comes in, and how large it may become. */
export interface IntakeOptions {
  readonly spoolDir: string;
  /** Octets that it may have. */
  readonly limitBytes: number;
  /** What a message with more octets is answered. */
  readonly tooMany: Refusal;
  /** Octets that stay in memory; a larger message goes to a spool file. */
  readonly memoryMax: number;
  /** What is known of its size, so that memory is taken once. */
  readonly expectedBytes: number;
}

/** A message that is complete. */
export interface Taken {
  readonly facts: MessageFacts;
  /** For the caller to discard. */
  readonly spooled: Spooled;
}

/** One message on its way in: hashed, parsed and spooled piece by piece. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #spool: Spool;
  readonly #parser = new MessageParser();
  #sizeBytes = 0;

  constructor(options: IntakeOptions) {
    const { spoolDir, memoryMax, expectedBytes } = options;
    this.#options = options;
    this.#spool = new Spool(spoolDir, { memoryMax, expectedBytes });
  }

  /** Before so many octets more are asked for. Throws `tooMany`. */
  expect(bytes: number): void {
    const { limitBytes, tooMany } = this.#options;
    if (this.#sizeBytes + bytes > limitBytes) throw new Refused(tooMany);
  }

  /** The next octets; nothing of the chunk is kept. */
  async write(chunk: Uint8Array): Promise<void> {
    this.expect(chunk.length);
    this.#sizeBytes += chunk.length;
    this.#parser.push(chunk);
    await this.#spool.write(chunk);
  }

  /** Throws `empty-message`. */
  async finish(): Promise<Taken> {
    if (this.#sizeBytes === 0) throw new Refused({ kind: "empty-message" });
    const facts = await inTurns(messageFactsInSteps(this.#parser.finish()));
    return { facts, spooled: await this.#spool.finish() };
  }

  /** Forgets what came so far; nothing happens after `finish`. Never throws. */
  discard(): Promise<void> {
    return this.#spool.discard();
  }
}
