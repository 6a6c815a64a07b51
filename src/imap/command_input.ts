import type { CommandReader } from "./reader.ts";
import { Disconnected } from "./reader.ts";
import type { Replies } from "./replies.ts";
import type { FrameEvent } from "./wire/framer.ts";
import { type LiteralHeader, Scanner } from "./wire/scanner.ts";
import { WireError } from "./wire/wire_error.ts";

/** A literal that is announced, but has not been asked for. */
export type Announced = Extract<FrameEvent, { kind: "literal" }>;

/** What a streaming command is read from. */
export interface InputParts {
  readonly reader: CommandReader;
  readonly reply: Replies;
  /** The client has enabled UTF-8. */
  readonly utf8: boolean;
  /** May this literal come at all? Throws if not. */
  readonly admit: (literal: Announced) => void;
  /** Makes an announced literal part of the text; throws Refused when it is too large for that. */
  readonly hold: (literal: Announced) => void;
}

/**
 * A streaming command as it arrives: text, and literals in it that the command takes one by one. The
 * client of a synchronising literal waits until it is asked for it, so whatever is refused before
 * that costs nothing (RFC 3501 §7.5). Of all the text only the stretch between two literals is held.
 */
export class CommandInput {
  readonly #parts: InputParts;
  #wire: Scanner;
  /** The literal whose announcement ends the text; null: the text ends the command. */
  #announced: Announced | null;
  #isStreaming = false;

  /** From a text of which a part has been read; see `announced` about its end. */
  constructor(wire: Scanner, announced: Announced | null, parts: InputParts) {
    this.#wire = wire;
    this.#announced = announced;
    this.#parts = parts;
  }

  /** The text at hand: up to the end of the command, or to where the octets of a literal follow. */
  get wire(): Scanner {
    return this.#wire;
  }

  /** True when all of the command has come. */
  get isComplete(): boolean {
    return this.#announced === null && !this.#isStreaming;
  }

  /** Reads arguments of which some may be literals: those are small, and held in memory. */
  async read<T>(rule: (wire: Scanner) => T): Promise<T> {
    const { at } = this.#wire;
    for (;;) {
      try {
        return rule(this.#wire);
      } catch (error) {
        const announced = this.#announced;
        if (!(error instanceof WireError && error.incomplete && announced)) throw error;
        this.#parts.admit(announced);
        this.#parts.hold(announced);
        await this.#next(at);
      }
    }
  }

  /** A literal begins here; `octets` has it. Nobody has been asked for it yet. */
  literal(): LiteralHeader {
    const header = this.#wire.streamedLiteral();
    if (this.#announced) this.#parts.admit(this.#announced);
    return header;
  }

  /** The octets of the literal just read, in chunks that are valid until the next is asked for. */
  async *octets(): AsyncGenerator<Uint8Array, void> {
    const { reader, reply } = this.#parts;
    const announced = this.#announced;
    if (!announced || !this.#wire.atEnd) throw new Error("Cannot read octets without a literal");
    this.#announced = null;
    this.#isStreaming = true;
    reader.stream();
    if (!announced.nonSync) reply.continuation("OK");
    for (let last = false; !last;) {
      const event = await reader.next();
      if (event.kind !== "octets") throw new Disconnected();
      last = event.last;
      yield event.bytes;
    }
    await this.#next(0);
    this.#isStreaming = false;
  }

  /** The command ends here: only now may it take effect. Throws WireError if it does not. */
  end(): void {
    this.#wire.end();
    if (!this.isComplete) throw WireError.because("Expected end of command after the literal");
  }

  /** The next stretch of text. */
  async #next(at: number): Promise<void> {
    const { reader, utf8 } = this.#parts;
    const event = await reader.next();
    if (event.kind !== "command" && event.kind !== "literal") {
      throw WireError.because("Command line is too long");
    }
    this.#announced = event.kind === "literal" ? event : null;
    const text = event.kind === "literal" ? reader.text : event.text;
    this.#wire = new Scanner(text, { utf8, at });
  }
}
