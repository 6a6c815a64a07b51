import { type CommandReader, Disconnected } from "./reader.ts";
import type { Replies } from "./replies.ts";
import type { LiteralHeader } from "./wire/scanner.ts";
import { WireError } from "./wire/wire_error.ts";

/**
 * The literal that ends a streaming command. The client of a synchronising one waits until the first
 * octets are asked for, so a command that refuses before that costs nothing (RFC 3501 §7.5).
 */
export class StreamedLiteral {
  readonly header: LiteralHeader;
  readonly #reader: CommandReader;
  readonly #reply: Replies;
  #state: "offered" | "begun" | "read" | "ended" = "offered";

  constructor(header: LiteralHeader, { reader, reply }: {
    readonly reader: CommandReader;
    readonly reply: Replies;
  }) {
    this.header = header;
    this.#reader = reader;
    this.#reply = reply;
  }

  /** True when nothing of the command is left to be read. */
  get isEnded(): boolean {
    return this.#state === "ended";
  }

  /** The octets, chunk by chunk; each is valid until the next is asked for. */
  async *chunks(): AsyncIterableIterator<Uint8Array> {
    if (this.#state !== "offered") throw new Error("Cannot read a literal twice");
    this.#state = "begun";
    this.#reader.stream();
    if (!this.header.nonSync) this.#reply.continuation("OK");
    for (let last = false; !last;) {
      const event = await this.#reader.next();
      if (event.kind !== "octets") throw new Disconnected();
      last = event.last;
      if (last) this.#state = "read";
      yield event.bytes;
    }
  }

  /** The command ends after the literal: only now may it take effect. Throws WireError if not. */
  async end(): Promise<void> {
    if (this.#state !== "read") throw new Error("Cannot end before the literal was read");
    const event = await this.#reader.next();
    if (event.kind === "command") this.#state = "ended";
    if (event.kind !== "command" || event.text !== "") {
      throw WireError.because("Expected end of command after the literal");
    }
  }
}
