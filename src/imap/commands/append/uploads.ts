import { Refused } from "../../../lib/refused.ts";
import type { MessageFacts } from "../../../message/facts.ts";
import type { Context } from "../../command.ts";
import { Intake, type Taken } from "./intake.ts";

/** Messages of one command: whoever has more says APPEND again. */
const MESSAGES_MAX = 1_000;
/** Octets of one command, or one message of the largest size: what a session may fill of the disk. */
const COMMAND_BYTES_MAX = 256 * 1024 * 1024;
/** Octets of one message that stay in memory, as nearly all mail is smaller, … */
const MEMORY_EACH_BYTES = 1024 * 1024;
/** … and of all messages of one command. */
const MEMORY_BYTES_MAX = 4 * 1024 * 1024;
/** What one statement takes to the database. A single message may need more. */
const FACTS_BYTES_MAX = 8 * 1024 * 1024;

/** A message of APPEND or REPLACE as it is to be stored. */
export interface Upload extends Taken {
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly internalDate: Date;
}

/** The messages of one command, bounded in all. Disposed of, nothing of them is left behind. */
export class Uploads implements AsyncDisposable {
  readonly #context: Pick<Context, "services" | "memory">;
  readonly #list: Upload[] = [];
  #intake: Intake | undefined;
  #sizeBytes = 0;
  #memoryBytes = 0;
  #factsBytes = 0;

  constructor(context: Pick<Context, "services" | "memory">) {
    this.#context = context;
  }

  /** Complete messages, in the order of the command. */
  get list(): readonly Upload[] {
    return this.#list;
  }

  /** The next message. Throws `limit` when the command has brought too much already. */
  begin({ expectedBytes = 0 }: { readonly expectedBytes?: number } = {}): Intake {
    const { services: { spoolDir, config }, memory } = this.#context;
    if (this.#list.length >= MESSAGES_MAX) throw new Refused({ kind: "limit", what: "messages" });
    const memoryMax = Math.max(
      0,
      Math.min(MEMORY_EACH_BYTES, MEMORY_BYTES_MAX - this.#memoryBytes, memory.freeBytes),
    );
    // WHY: of the octets of several messages; how large one may be is APPENDLIMIT's.
    const room = this.#list.length === 0 ? Infinity : COMMAND_BYTES_MAX - this.#sizeBytes;
    const limitBytes = config.appendLimitBytes;
    return this.#intake = new Intake({
      spoolDir,
      limitBytes: Math.min(limitBytes, room),
      tooMany: room < limitBytes
        ? { kind: "limit", what: "octets of a command" }
        : { kind: "too-big", limitBytes },
      memoryMax,
      expectedBytes,
    });
  }

  /** The message that was begun is complete. */
  async add(options: Omit<Upload, keyof Taken>): Promise<void> {
    const taken = await this.#intake?.finish();
    if (!taken) throw new Error("Cannot add a message before it was begun");
    this.#intake = undefined;
    this.#list.push({ ...options, ...taken });
    this.#sizeBytes += taken.spooled.sizeBytes;
    const memoryBytes = taken.spooled.bytes?.length ?? 0;
    const factsBytes = sizeOf(taken.facts);
    this.#memoryBytes += memoryBytes;
    this.#factsBytes += factsBytes;
    this.#context.memory.chargeCommand(memoryBytes + factsBytes);
    if (this.#list.length > 1 && this.#factsBytes > FACTS_BYTES_MAX) {
      throw new Refused({ kind: "limit", what: "headers of a command" });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#intake?.discard();
    await Promise.all(this.#list.map(({ spooled }) => spooled.discard()));
  }
}

/** The parts that may be large. */
function sizeOf({ header, envelope, bodyStructure, structure }: MessageFacts): number {
  return (header?.length ?? 0) + envelope.length + bodyStructure.length + structure.length;
}
