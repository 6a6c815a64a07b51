import { toBinary } from "../../lib/bytes.ts";

/** What one command may cost before it is whole. */
export interface FramerLimits {
  /** Octets of a command outside its literals. */
  readonly lineBytes: number;
  /** Octets of one literal that is held in memory. */
  readonly literalBytes: number;
  /** Octets of all literals of one command that are held in memory. */
  readonly literalsBytes: number;
  /** Octets that are read away to find the end of a refused command. */
  readonly drainBytes: number;
}

/**
 * Strangers: a password or a token fits (RFC 7888 §4 LITERAL-: 4096), and nothing much else. With
 * the line, at most 24 KiB are ever held.
 */
export const beforeLogin: FramerLimits = {
  lineBytes: 8 * 1024,
  literalBytes: 4 * 1024,
  literalsBytes: 16 * 1024,
  drainBytes: 64 * 1024,
};

/**
 * Users: long UID sets and searches fit (RFC 7162 §4 asks for 8 KiB lines); messages are streamed
 * and count nothing here. What is drained costs time only, and the client its bandwidth.
 */
export const afterLogin: FramerLimits = {
  lineBytes: 64 * 1024,
  literalBytes: 1024 * 1024,
  literalsBytes: 1024 * 1024,
  drainBytes: 256 * 1024 * 1024,
};

/** What the framer found; `literal` and `overlong` wait for a decision. */
export type FrameEvent =
  /** A whole command, its literals inline, without the CRLF that ends it. */
  | { readonly kind: "command"; readonly text: string }
  /** A literal is announced: `accept`, `stream` or `refuse` it. `head` is how the command begins. */
  | {
    readonly kind: "literal";
    readonly head: string;
    readonly sizeBytes: number;
    readonly nonSync: boolean;
  }
  /** The command is longer than allowed: `refuse` it, or close. */
  | { readonly kind: "overlong"; readonly head: string }
  /** Octets of a streamed literal, valid until the next `push`. */
  | { readonly kind: "octets"; readonly bytes: Uint8Array; readonly last: boolean }
  /** All of a refused command has gone by. */
  | { readonly kind: "gone" }
  /** Too much to read away: only closing helps. */
  | { readonly kind: "flood" };

type Mode = "line" | "decide" | "literal" | "stream" | "skip" | "gone" | "flood";

/** Enough of a command to see its tag and name. */
const HEAD_BYTES = 256;
const HELD_BYTES_MIN = 256;
/** `~{18446744073709551615+}` CR: where the announcement of a literal must be found. */
const ANNOUNCEMENT_BYTES = 26;
const ANNOUNCEMENT = /~?\{(\d{1,20})([+-]?)\}$/;
const LF = 0x0a;
const CR = 0x0d;
const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * Splits octets into whole commands, literals included, and never loses the boundary: what follows
 * a bad command is read as the next one. Without I/O: `push` a chunk, take events until `next` gives
 * null, then push again. Between commands it holds nothing.
 *
 * WHY: a bare LF ends a line too, as typed sessions and old clients have it; a bare CR does not, it
 * stays in the text, where no rule of the grammar allows it.
 */
export class Framer {
  limits: FramerLimits = beforeLogin;
  #chunk = NOTHING;
  #at = 0;
  #mode: Mode = "line";
  /** Octets still to come of the literal. */
  #left = 0;
  /** The command so far, as far as it did not come in one chunk. */
  #held = NOTHING;
  #length = 0;
  /** Where in it the last literal ends: nothing before belongs to the line that is being read. */
  #lineAt = 0;
  #literalBytes = 0;
  #nonSync = false;
  #drained = 0;
  #refused = false;

  /** The next chunk; it must not change until `next` has given null. */
  push(chunk: Uint8Array): void {
    if (this.#at < this.#chunk.length) throw new Error("Cannot push before all was taken");
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** True when nothing of a command has come yet. */
  get isBetween(): boolean {
    return this.#mode === "line" && this.#length === 0 && !this.#refused &&
      this.#at >= this.#chunk.length;
  }

  /** Takes back what has been pushed and not been looked at yet. */
  rest(): Uint8Array {
    const rest = this.#chunk.subarray(this.#at);
    this.#chunk = NOTHING;
    this.#at = 0;
    return rest;
  }

  /** Null when more octets are needed. `raw`: the next line as it is, whatever it ends with. */
  next({ raw = false } = {}): FrameEvent | null {
    for (;;) {
      switch (this.#mode) {
        case "line": {
          const event = this.#line(raw);
          if (event === "again") continue;
          return event;
        }
        case "literal":
          if (!this.#collect()) return null;
          continue;
        case "stream":
          return this.#stream();
        case "skip":
          if (!this.#skip()) return null;
          continue;
        case "gone":
          this.#reset();
          return { kind: "gone" };
        case "flood":
          return { kind: "flood" };
        case "decide":
          throw new Error("Cannot go on before the literal is decided");
      }
    }
  }

  /** May the announced literal be held in memory? */
  fits(sizeBytes: number): boolean {
    return sizeBytes <= this.limits.literalBytes &&
      this.#literalBytes + sizeBytes <= this.limits.literalsBytes;
  }

  /** The command up to and including the announcement of the literal that waits for a decision. */
  get text(): string {
    return toBinary(this.#held.subarray(0, this.#length));
  }

  /** The announced literal becomes part of the command's text. */
  accept(): void {
    this.#literalBytes += this.#left;
    this.#mode = "literal";
  }

  /** The announced literal comes as `octets`; after it, the rest of the line as a `command`. */
  stream(): void {
    this.#release();
    this.#mode = "stream";
  }

  /** Nothing more of this command is wanted; `gone` comes when it has passed. */
  refuse(): void {
    if (this.#refused) return;
    // RFC 7888 §4: who waits for a continuation and gets a tagged reply does not send the literal.
    const nothingFollows = this.#mode === "decide" && !this.#nonSync;
    const lineFollows = this.#mode === "line";
    const tailAt = Math.max(this.#lineAt, this.#length - ANNOUNCEMENT_BYTES);
    const tail = this.#held.subarray(lineFollows ? tailAt : this.#length, this.#length);
    this.#release();
    this.#hold(tail);
    this.#refused = true;
    this.#mode = nothingFollows ? "gone" : lineFollows ? "line" : "skip";
  }

  #line(raw: boolean): FrameEvent | "again" | null {
    if (this.#at >= this.#chunk.length) {
      this.#chunk = NOTHING; // WHY: an idle session does not keep a read buffer alive.
      this.#at = 0;
      return null;
    }
    const lf = this.#chunk.indexOf(LF, this.#at);
    const end = lf < 0 ? this.#chunk.length : lf + 1;
    const part = this.#chunk.subarray(this.#at, end);
    if (this.#refused) return this.#refusedLine(part, lf >= 0);
    if (this.#length - this.#literalBytes + part.length > this.limits.lineBytes) {
      const head = this.#length > 0 ? this.#head() : toBinary(part.subarray(0, HEAD_BYTES));
      return { kind: "overlong", head };
    }
    this.#at = end;
    if (lf < 0) {
      this.#hold(part);
      return null;
    }
    const whole = this.#length === 0 ? part : this.#hold(part);
    const line = withoutLineEnd(whole.subarray(this.#lineAt));
    const command = whole.subarray(0, this.#lineAt + line.length);
    const announced = raw ? null : announcement(line);
    if (!announced) {
      this.#reset();
      return { kind: "command", text: toBinary(command) };
    }
    this.#announce(command, announced);
    return { kind: "literal", head: this.#head(), ...announced };
  }

  #announce(command: Uint8Array, { sizeBytes, nonSync }: Announcement): void {
    if (this.#length === 0) this.#hold(command);
    else this.#length = command.length;
    this.#hold(CRLF);
    this.#left = sizeBytes;
    this.#nonSync = nonSync;
    this.#mode = "decide";
  }

  /** What a refused command still says: its tail is kept, to see whether one more literal follows. */
  #refusedLine(part: Uint8Array, ended: boolean): "again" | null {
    this.#at += part.length;
    this.#drained += part.length;
    const tail = this.#hold(part.subarray(-ANNOUNCEMENT_BYTES));
    if (this.#drained > this.limits.drainBytes) this.#mode = "flood";
    else if (ended) this.#endRefusedLine(announcement(withoutLineEnd(tail)));
    else if (this.#length > ANNOUNCEMENT_BYTES) {
      this.#held.copyWithin(0, this.#length - ANNOUNCEMENT_BYTES, this.#length);
      this.#length = ANNOUNCEMENT_BYTES;
    }
    return ended || this.#mode === "flood" ? "again" : null;
  }

  #endRefusedLine(announced: Announcement | null): void {
    this.#length = 0;
    this.#left = announced?.sizeBytes ?? 0;
    this.#mode = announced?.nonSync ? "skip" : "gone";
  }

  #collect(): boolean {
    this.#hold(this.#take());
    if (this.#left > 0) return false;
    this.#lineAt = this.#length;
    this.#mode = "line";
    return true;
  }

  #stream(): FrameEvent | null {
    const bytes = this.#take();
    if (bytes.length === 0 && this.#left > 0) return null;
    if (this.#left === 0) this.#mode = "line";
    return { kind: "octets", bytes, last: this.#left === 0 };
  }

  #skip(): boolean {
    if (this.#drained + this.#left > this.limits.drainBytes) {
      this.#mode = "flood";
      return true;
    }
    this.#drained += this.#take().length;
    if (this.#left === 0) this.#mode = "line";
    return this.#left === 0;
  }

  /** As much of the literal as the chunk has. */
  #take(): Uint8Array {
    const bytes = this.#chunk.subarray(this.#at, this.#at + this.#left);
    this.#at += bytes.length;
    this.#left -= bytes.length;
    return bytes;
  }

  #hold(part: Uint8Array): Uint8Array {
    const length = this.#length + part.length;
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.max(HELD_BYTES_MIN, length, this.#held.length * 2));
      larger.set(this.#held.subarray(0, this.#length));
      this.#held = larger;
    }
    this.#held.set(part, this.#length);
    this.#length = length;
    return this.#held.subarray(0, length);
  }

  #head(): string {
    return toBinary(this.#held.subarray(0, Math.min(this.#length, HEAD_BYTES)));
  }

  #release(): void {
    this.#held = NOTHING;
    this.#length = 0;
    this.#lineAt = 0;
    this.#literalBytes = 0;
  }

  #reset(): void {
    this.#release();
    this.#mode = "line";
    this.#left = 0;
    this.#drained = 0;
    this.#refused = false;
  }
}

const CRLF = Uint8Array.of(CR, LF);

interface Announcement {
  readonly sizeBytes: number;
  readonly nonSync: boolean;
}

/** RFC 3501 §9 literal, RFC 7888 §8, RFC 3516 literal8: at the very end of a line. */
function announcement(line: Uint8Array): Announcement | null {
  if (line.at(-1) !== 0x7d) return null;
  const found = ANNOUNCEMENT.exec(toBinary(line.subarray(-ANNOUNCEMENT_BYTES)));
  return found ? { sizeBytes: Number(found[1]), nonSync: found[2] !== "" } : null;
}

function withoutLineEnd(line: Uint8Array): Uint8Array {
  return line.subarray(0, line.at(-2) === CR ? -2 : -1);
}
