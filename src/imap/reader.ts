import type { Connection } from "../net/connection.ts";
import { type FrameEvent, Framer, type FramerLimits } from "./wire/framer.ts";

/** Thrown where a command waits for a client that has left, or that has been sent away. */
export class Disconnected extends Error {
  override readonly name = "Disconnected";
}

/** How long a client may be silent, and how slow it may be while it owes us octets. */
export interface Pace {
  /** Between two commands. */
  readonly idleMs: number;
  /** In the middle of a command. */
  readonly commandMs: number;
  /** Octets per minute in the middle of a command; 0: not checked. */
  readonly bytesPerMinute: number;
}

/** The framer fed from the connection: what the client says, event by event. */
export class CommandReader {
  readonly #connection: Connection;
  readonly #framer = new Framer();
  #pace: Pace;
  #owed = false;
  #ahead: Promise<Uint8Array | null> | undefined;

  constructor(connection: Connection, pace: Pace) {
    this.#connection = connection;
    this.#pace = pace;
    connection.setIdleTimeout(pace.idleMs);
  }

  /** What a client may cost and how slow it may be, from now on. */
  allow(limits: FramerLimits, pace: Pace): void {
    this.#framer.limits = limits;
    this.#pace = pace;
    this.#owed = false;
    this.#connection.setIdleTimeout(pace.idleMs);
    this.#connection.setMinimumRate(null);
  }

  /** The next event. Throws Disconnected at the end of the connection. */
  async next(): Promise<FrameEvent> {
    for (;;) {
      const event = this.#framer.next();
      if (event) return event;
      await this.#fill();
    }
  }

  /**
   * Resolves when the client has sent more, with false when it has left instead; what has come is
   * read as usual afterwards. For commands that take long.
   */
  async peek(): Promise<boolean> {
    // WHY: another read would overwrite what came with this command.
    if (!this.#framer.isBetween) return true;
    this.#ahead ??= this.#connection.read();
    return await this.#ahead !== null;
  }

  /** The next line as it is, whatever it ends with; null when it is too long to be kept. */
  async line(): Promise<string | null> {
    for (;;) {
      const event = this.#framer.next({ raw: true });
      if (event?.kind === "command") return event.text;
      if (event) {
        await this.discard();
        return null;
      }
      await this.#fill();
    }
  }

  /** May the announced literal be held in memory? */
  fits(sizeBytes: number): boolean {
    return this.#framer.fits(sizeBytes);
  }

  /** The command up to and including the announcement of its literal. */
  get text(): string {
    return this.#framer.text;
  }

  /** The announced literal becomes part of the command. */
  accept(): void {
    this.#framer.accept();
  }

  /** The announced literal comes as `octets` events. */
  stream(): void {
    this.#framer.stream();
  }

  /** Reads away the rest of a command that is refused. False when it is too much to read. */
  async discard(): Promise<boolean> {
    this.#framer.refuse();
    for (;;) {
      const { kind } = await this.next();
      if (kind === "gone") return true;
      if (kind === "flood") return false;
    }
  }

  /** What was read ahead of the command under way goes back to the connection. */
  giveBack(): void {
    this.#connection.unread(this.#framer.rest());
  }

  async #fill(): Promise<void> {
    this.#watch(!this.#framer.isBetween);
    const chunk = await (this.#ahead ?? this.#connection.read());
    this.#ahead = undefined;
    if (!chunk) throw new Disconnected();
    this.#framer.push(chunk);
  }

  #watch(owed: boolean): void {
    if (owed === this.#owed) return;
    this.#owed = owed;
    const { idleMs, commandMs, bytesPerMinute } = this.#pace;
    this.#connection.setIdleTimeout(owed ? commandMs : idleMs);
    this.#connection.setMinimumRate(owed && bytesPerMinute > 0 ? bytesPerMinute : null);
  }
}
