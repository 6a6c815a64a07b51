import { concat } from "../lib/bytes.ts";
import { type Endpoint, nowhere } from "./endpoint.ts";
import { ReadBuffers } from "./read_buffers.ts";
import { sharedTicker, type Ticker } from "./ticker.ts";
import type { Transport } from "./transport.ts";
import { Writer } from "./writer.ts";

export { ConnectionGone, HIGH_WATER_BYTES } from "./writer.ts";

/** A client that takes nothing for this long, though something waits for it, is cut off. */
const WRITE_STALL_MS = 120_000;
/** How long a farewell after a timeout may take to leave. */
const FAREWELL_MS = 5_000;
/** How long, and for how much, the rest of what a client says is read away before the close. */
const LINGER_MS = 2_000;
const LINGER_BYTES = 1024 * 1024;
/** The window in which `setMinimumRate` counts. */
const RATE_WINDOW_MS = 60_000;

/** Why a connection's deadline passed. */
export type TimeoutReason = "idle" | "slow" | "session";

export interface ConnectionOptions {
  /** Default: a new id, unique in this cluster for all practical purposes. */
  readonly id?: string;
  readonly remote?: Endpoint;
  readonly local?: Endpoint;
  /** Ends the session after this long, whatever it does; default: never. */
  readonly sessionTimeoutMs?: number;
  /** Called once when a deadline passed: the last chance to `write()` a farewell. */
  readonly onTimeout?: (reason: TimeoutReason) => void;
  /** Default: the isolate's. */
  readonly ticker?: Ticker;
}

/**
 * One client: a transport with one reader, one writer, and deadlines. A connection that broke looks
 * like EOF to its reader; writing to it does nothing; waiting for its output throws ConnectionGone.
 */
export class Connection {
  readonly id: string;
  readonly remote: Endpoint;
  readonly local: Endpoint;
  /** Called once when a deadline passed, before the connection ends; write a farewell here. */
  onTimeout: ((reason: TimeoutReason) => void) | undefined;
  readonly #ticker: Ticker;
  readonly #writer: Writer;
  readonly #buffers = new ReadBuffers();
  #transport: Transport;
  #state: "open" | "ending" | "closed" = "open";
  #closeReason: string | null = null;
  #ending: Promise<void> = Promise.resolve();
  #controller: AbortController | undefined;
  #unread: Uint8Array | undefined;
  #pending: Promise<number | null> | undefined;
  #sawEnd = false;
  #receivedBytes = 0;
  #idleMs: number | null = null;
  #waitingSince = 0;
  #sessionEndsAt: number;
  #closeAt = Infinity;
  #rate: { perMinute: number; waitedMs: number; bytes: number; at: number } | undefined;

  private constructor(transport: Transport, options: ConnectionOptions) {
    this.id = options.id ?? nextId();
    this.remote = options.remote ?? nowhere;
    this.local = options.local ?? nowhere;
    this.onTimeout = options.onTimeout;
    this.#transport = transport;
    this.#ticker = options.ticker ?? sharedTicker;
    this.#ticker.watch(this);
    this.#sessionEndsAt = this.#ticker.now + (options.sessionTimeoutMs ?? Infinity);
    this.#writer = new Writer(transport, this.#ticker, (error) => this.#fail(error));
  }

  /** A connection over an accepted socket, or over one end of a `memoryPair()`. */
  static over(transport: Transport, options: ConnectionOptions = {}): Connection {
    return new Connection(transport, options);
  }

  /**
   * The next octets, at least one; null at EOF and when the connection ended or broke. The view is
   * valid until the next call. One call at a time.
   */
  async read(): Promise<Uint8Array | null> {
    const unread = this.#unread;
    if (unread) {
      this.#unread = undefined;
      return unread;
    }
    if (this.#state !== "open" || this.#sawEnd) return null;
    if (this.#pending) throw new Error("Cannot read twice at once");
    this.#writer.release();
    this.#waitingSince = this.#ticker.now;
    try {
      this.#pending = this.#transport.read(this.#buffers.next());
      const n = await this.#pending;
      if (n === null) this.#sawEnd = true;
      if (n === null || this.#state !== "open") return null;
      this.#receivedBytes += n;
      if (this.#rate) this.#rate.bytes += n;
      return this.#buffers.filled(n);
    } catch (error) {
      this.#fail(error);
      return null;
    } finally {
      this.#pending = undefined;
    }
  }

  /** Hands octets back: the next `read()`, or the upgrade, sees them first. They are not copied. */
  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#unread = this.#unread ? concat([bytes, this.#unread]) : bytes;
  }

  /**
   * Queues output: a binary string, or octets that must not change until they are flushed. Nothing
   * happens when the connection is gone.
   */
  write(data: string | Uint8Array): void {
    this.#writer.push(data);
  }

  /**
   * Holds output back until the client must be waited for (`read`), or `release` or `flush`: so the
   * replies to commands that came in one packet leave in one (RFC 2920 §3.2).
   */
  hold(): void {
    this.#writer.hold();
  }

  /** Sends what is held back: before anything that takes long. */
  release(): void {
    this.#writer.release();
  }

  /** Resolves when all that is queued is with the socket. Throws ConnectionGone. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /** Back-pressure: resolves when less than HIGH_WATER_BYTES are queued. Throws ConnectionGone. */
  drained(): Promise<void> {
    return this.#writer.drained();
  }

  get queuedBytes(): number {
    return this.#writer.queuedBytes;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get sentBytes(): number {
    return this.#writer.sentBytes;
  }

  /** How long one `read()` may wait; null: for ever. A wait under way starts anew. */
  setIdleTimeout(ms: number | null): void {
    this.#idleMs = ms;
    this.#waitingSince = this.#ticker.now;
  }

  /**
   * The least a client must send per minute while it is waited for, or null. Set it in the middle of
   * a command, a literal or a message, where bytes are owed: it catches who drips them.
   */
  setMinimumRate(bytesPerMinute: number | null): void {
    this.#rate = bytesPerMinute === null || bytesPerMinute <= 0
      ? undefined
      : { perMinute: bytesPerMinute, waitedMs: 0, bytes: 0, at: this.#ticker.now };
  }

  /**
   * Puts another transport (the TLS engine) in the place of this one. `wrap` gets the transport and
   * what was read ahead; no read may be under way. A failure closes the connection and is thrown.
   */
  async upgrade(
    wrap: (transport: Transport, prelude: Uint8Array) => Promise<Transport>,
  ): Promise<void> {
    if (this.#pending) throw new Error("Cannot upgrade a connection while a read is under way");
    await this.flush();
    const prelude = this.#unread?.slice() ?? new Uint8Array(0);
    this.#unread = undefined;
    try {
      this.#transport = this.#writer.transport = await wrap(this.#transport, prelude);
    } catch (error) {
      this.#close("upgrade failed");
      throw error;
    }
    if (this.#state === "closed") closeQuietly(this.#transport);
  }

  /**
   * Changes the transport in the middle of a session (compression): what is queued so far leaves
   * through the old one, what is queued from now on and what is read goes through the one that `wrap`
   * makes of it. It gets what was read ahead, too. No read may be under way.
   */
  layer(wrap: (transport: Transport, prelude: Uint8Array) => Transport): void {
    if (this.#pending) throw new Error("Cannot change a transport while a read is under way");
    const prelude = this.#unread?.slice() ?? new Uint8Array(0);
    this.#unread = undefined;
    this.#transport = wrap(this.#transport, prelude);
    this.#writer.switchTo(this.#transport);
    if (this.#state === "closed") closeQuietly(this.#transport);
  }

  /**
   * Takes a layer away again: what is queued from now on leaves through the transport below, and what
   * is read comes from there, behind what `readAhead` had read of it. No read may be under way.
   */
  async unlayer(below: Transport, readAhead: () => Promise<Uint8Array>): Promise<void> {
    this.#writer.switchTo(below);
    try {
      const ahead = await readAhead();
      this.#transport = below;
      if (ahead.length > 0) this.#unread = concat([this.#unread ?? ahead.subarray(0, 0), ahead]);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Aborted when the connection is closed, by whichever side. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#state === "closed") this.#controller.abort();
    return this.#controller.signal;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Why the connection ended, for the log: "closed", "idle", "stalled", an error's text; null while open. */
  get closeReason(): string | null {
    return this.#closeReason;
  }

  /** Closes at once; queued output is lost. */
  close(): void {
    this.#close("closed");
  }

  /**
   * Sends what is queued, says EOF, reads away for a moment what the client still says (a close with
   * unread input would reset the connection and lose our last words), closes. Never throws.
   */
  end(): Promise<void> {
    if (this.#state === "open") this.#ending = this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#state = "ending";
    this.#closeReason ??= "closed";
    try {
      await this.#writer.flush();
      await this.#transport.closeWrite();
      this.#closeAt = Math.min(this.#closeAt, this.#ticker.now + LINGER_MS);
      await this.#linger();
    } catch {
      // The client was quicker: nothing is left to be said.
    }
    this.#close("closed");
  }

  /** For the ticker only. */
  tick(now: number): void {
    if (now >= this.#closeAt) return this.#close("closed");
    if (this.#writer.stalledMs(now) >= WRITE_STALL_MS) return this.#close("stalled");
    if (this.#state !== "open") {
      // WHY: who takes the rest of our output octet by octet has no more time than others.
      if (now >= this.#sessionEndsAt + FAREWELL_MS) this.#close("session");
      return;
    }
    if (now >= this.#sessionEndsAt) this.#expire("session", now);
    else if (this.#pending) this.#tickRead(now);
    else if (this.#rate) this.#rate.at = now;
  }

  #tickRead(now: number): void {
    if (this.#idleMs !== null && now - this.#waitingSince >= this.#idleMs) {
      return this.#expire("idle", now);
    }
    const rate = this.#rate;
    if (!rate) return;
    rate.waitedMs += now - Math.max(rate.at, this.#waitingSince);
    rate.at = now;
    if (rate.waitedMs < RATE_WINDOW_MS) return;
    if (rate.bytes < rate.perMinute) return this.#expire("slow", now);
    rate.waitedMs = rate.bytes = 0;
  }

  #expire(reason: TimeoutReason, now: number): void {
    this.#closeReason = reason;
    this.#closeAt = now + FAREWELL_MS;
    this.onTimeout?.(reason);
    void this.end();
  }

  async #linger(): Promise<void> {
    if (this.#sawEnd) return;
    await this.#pending;
    const scratch = this.#buffers.next();
    for (let left = LINGER_BYTES; left > 0 && !this.#sawEnd;) {
      const n = await this.#transport.read(scratch);
      if (n === null) return;
      left -= n;
    }
  }

  #fail(error: unknown): void {
    this.#close(error instanceof Error ? error.name : String(error));
  }

  #close(reason: string): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#closeReason ??= reason;
    this.#unread = undefined;
    this.#ticker.unwatch(this);
    this.#writer.abandon(this.#closeReason);
    closeQuietly(this.#transport);
    this.#controller?.abort();
  }
}

/** QUIRK: Deno 2.9: a second close() of a socket throws BadResource. */
function closeQuietly(transport: Transport): void {
  try {
    transport.close();
  } catch {
    // Closed already.
  }
}

/** WHY: random per isolate, so that ids of two workers or two nodes do not meet in one log. */
const idPrefix = Array.from(
  crypto.getRandomValues(new Uint8Array(5)),
  (octet) => (octet % 36).toString(36),
).join("");
let idCount = 0;

function nextId(): string {
  return `${idPrefix}${(idCount++).toString(36)}`;
}
