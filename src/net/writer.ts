import { Buffer } from "node:buffer";
import { fromBinary, writeBinary } from "../lib/bytes.ts";
import type { Ticker } from "./ticker.ts";
import type { Transport } from "./transport.ts";

/** Producers stop here: enough to keep a socket busy, little enough for thousands of slow clients. */
export const HIGH_WATER_BYTES = 256 * 1024;
/** WHY: one body of the largest size may be queued whole; anything beyond is a producer's bug. */
const QUEUE_BYTES_MAX = 256 * 1024 * 1024;
/** Small pieces are joined up to this size: the most that one socket write usually takes. */
const BATCH_BYTES = 64 * 1024;
/** A byte array of this size or more is written as it is, because a copy would cost more. */
const BIG_PIECE_BYTES = 16 * 1024;

/** The connection is closed or broken: nobody is left to write to. Not a bug, and no reply. */
export class ConnectionGone extends Error {
  override readonly name = "ConnectionGone";
}

/**
 * The one writer of a connection. What is written in one turn leaves in one socket write; while a
 * write is under way further pieces gather for the next.
 */
export class Writer {
  transport: Transport;
  /** Octets that the socket has taken. */
  sentBytes = 0;
  readonly #ticker: Ticker;
  readonly #onFailure: (error: unknown) => void;
  #queue: Piece[] = [];
  #queuedBytes = 0;
  #running = false;
  #held = false;
  #progressAt = 0;
  #gone: ConnectionGone | undefined;
  #drained: PromiseWithResolvers<void> | undefined;
  #flushed: PromiseWithResolvers<void> | undefined;

  constructor(transport: Transport, ticker: Ticker, onFailure: (error: unknown) => void) {
    this.transport = transport;
    this.#ticker = ticker;
    this.#onFailure = onFailure;
  }

  /** Octets queued or under way. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Milliseconds since the peer last took something that waits for it; 0 when nothing waits. */
  stalledMs(now: number): number {
    return this.#running ? now - this.#progressAt : 0;
  }

  push(data: string | Uint8Array): void {
    if (this.#gone || data.length === 0) return;
    this.#queue.push(data);
    this.#queuedBytes += data.length;
    if (this.#queuedBytes > QUEUE_BYTES_MAX) {
      this.#onFailure(new Error("Cannot queue more output for a client that does not read"));
    } else if (!this.#held || this.#queuedBytes >= BATCH_BYTES) this.#start();
  }

  /** What is pushed from now on goes to another transport; what is queued, to this one. */
  switchTo(transport: Transport): void {
    if (this.#queue.length === 0 && !this.#running) this.transport = transport;
    else this.#queue.push(new Switch(transport));
  }

  /** Gathers what is written from now on, up to a batch, until `release`, `flush` or `drained`. */
  hold(): void {
    this.#held = true;
  }

  /** Sends what was held back. */
  release(): void {
    this.#held = false;
    if (this.#queue.length > 0) this.#start();
  }

  /** Resolves when everything queued so far is with the socket. Throws ConnectionGone. */
  async flush(): Promise<void> {
    this.release();
    if (this.#gone) throw this.#gone;
    if (!this.#running) return;
    this.#flushed ??= Promise.withResolvers<void>();
    await this.#flushed.promise;
  }

  /** Resolves when less than HIGH_WATER_BYTES are queued. Throws ConnectionGone. */
  async drained(): Promise<void> {
    if (this.#gone) throw this.#gone;
    if (this.#queuedBytes < HIGH_WATER_BYTES) return;
    this.release();
    this.#drained ??= Promise.withResolvers<void>();
    await this.#drained.promise;
  }

  /** Drops what is queued; everybody who waits is told. */
  abandon(reason: string): void {
    if (this.#gone) return;
    this.#gone = new ConnectionGone(reason);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#running = false;
    this.#settle(this.#gone);
  }

  #start(): void {
    if (this.#running || this.#gone) return;
    this.#running = true;
    this.#progressAt = this.#ticker.now;
    // WHY: a microtask later, everything written in this turn is in the queue.
    queueMicrotask(() => void this.#run());
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0 && !this.#gone) await this.#writeAll(this.#take());
    } catch (error) {
      if (!this.#gone) this.#onFailure(error);
    }
    if (this.#gone) return;
    this.#running = false;
    this.#flushed?.resolve();
    this.#flushed = undefined;
  }

  async #writeAll(batch: Uint8Array): Promise<void> {
    let at = 0;
    while (at < batch.length && !this.#gone) {
      const n = await this.transport.write(at === 0 ? batch : batch.subarray(at));
      at += n;
      this.sentBytes += n;
      if (this.#gone) return;
      this.#progressAt = this.#ticker.now;
      this.#queuedBytes -= n;
      if (this.#drained && this.#queuedBytes < HIGH_WATER_BYTES) {
        this.#drained.resolve();
        this.#drained = undefined;
      }
    }
  }

  /** The next thing to write: one big piece as it is, or as many small ones as fit a batch. */
  #take(): Uint8Array {
    const [first] = this.#queue;
    if (first instanceof Switch) {
      this.transport = first.transport;
      this.#queue.shift();
      return NOTHING;
    }
    const pieces: (string | Uint8Array)[] = [];
    let length = 0;
    for (const piece of this.#queue) {
      if (piece instanceof Switch) break;
      if (pieces.length > 0 && (isBig(piece) || length + piece.length > BATCH_BYTES)) break;
      pieces.push(piece);
      length += piece.length;
      if (isBig(piece)) break;
    }
    if (pieces.length === this.#queue.length) this.#queue = [];
    else this.#queue.splice(0, pieces.length);
    return join(pieces, length);
  }

  #settle(error: ConnectionGone): void {
    for (const waiting of [this.#drained, this.#flushed]) waiting?.reject(error);
    this.#drained = this.#flushed = undefined;
  }
}

type Piece = string | Uint8Array | Switch;

/** A place in the queue from which on another transport is written to. */
class Switch {
  constructor(readonly transport: Transport) {}
}

const NOTHING: Uint8Array = new Uint8Array(0);

function isBig(piece: string | Uint8Array): boolean {
  return typeof piece !== "string" && piece.length >= BIG_PIECE_BYTES;
}

function join(pieces: readonly (string | Uint8Array)[], length: number): Uint8Array {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) {
    return typeof first === "string" ? fromBinary(first) : first;
  }
  const all = Buffer.allocUnsafe(length);
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === "string") writeBinary(piece, all.subarray(at));
    else all.set(piece, at);
    at += piece.length;
  }
  return all;
}
