import { createHmac } from "node:crypto";
import type { Admission } from "../net/listener.ts";

/**
 * WHY: two cells for each address, of 65,536 each: with 100,000 sessions of 30,000 addresses one in
 * thousands is taken for a few sessions more than it has. Half a megabyte for a worker and server.
 */
const COLUMNS = 65_536;
const ROWS = 2;
/** Cells of one worker for one server: the total, then the counts by address. */
const BLOCK = 1 + ROWS * COLUMNS;

export interface SharedAdmissionOptions {
  /** Sessions at a time over all workers; 0 = no limit. */
  readonly maxConnections: number;
  /** Sessions at a time from one address over all workers; 0 = no limit. */
  readonly maxConnectionsPerIp: number;
  /** Addresses that the limit per address does not touch. */
  readonly exempt?: { has(host: string): boolean };
}

/** Which cells belong to one worker and one server. */
export interface Place {
  /** 0-based. */
  readonly worker: number;
  /** 0-based. */
  readonly server: number;
  readonly servers: number;
}

/** The session counts of all workers; can be sent to a worker. */
export interface SessionCounts {
  readonly memory: SharedArrayBuffer;
  /** WHY: a stranger who could compute the cells could fill those of somebody else. */
  readonly key: string;
}

/** Counts for so many workers and servers, all zero. */
export function sessionCounts(workers: number, servers: number): SessionCounts {
  const octets = workers * servers * BLOCK * Int32Array.BYTES_PER_ELEMENT;
  return { memory: new SharedArrayBuffer(octets), key: crypto.randomUUID() };
}

/** The sessions of a worker that died are over; `worker` is 0-based. */
export function forgetWorker({ memory }: SessionCounts, worker: number, servers: number): void {
  const size = servers * BLOCK;
  new Int32Array(memory).fill(0, worker * size, (worker + 1) * size);
}

/**
 * Session limits that hold over all workers: every worker counts in cells of its own in memory that
 * they share, and reads those of the others. Addresses are counted by hash in two rows, and the
 * lower count is believed (a count-min sketch), so the memory does not grow with strangers.
 */
export class SharedAdmission implements Admission {
  readonly #options: SharedAdmissionOptions;
  readonly #cells: Int32Array;
  readonly #place: Place;
  readonly #stride: number;
  readonly #key: string;

  constructor(counts: SessionCounts, place: Place, options: SharedAdmissionOptions) {
    this.#cells = new Int32Array(counts.memory);
    this.#key = counts.key;
    this.#place = place;
    this.#stride = place.servers * BLOCK;
    this.#options = options;
  }

  admit(host: string): (() => void) | "max_connections" | "max_connections_per_ip" {
    const { maxConnections, maxConnectionsPerIp, exempt } = this.#options;
    if (maxConnections > 0 && this.#sum(0) >= maxConnections) return "max_connections";
    const cells = [0, ...hashed(host, this.#key)];
    const limited = maxConnectionsPerIp > 0 && !exempt?.has(host);
    if (limited && this.#heldBy(cells) >= maxConnectionsPerIp) return "max_connections_per_ip";
    this.#add(cells, 1);
    let holds = true;
    return () => {
      if (holds) this.#add(cells, -1);
      holds = false;
    };
  }

  #heldBy([, ...cells]: readonly number[]): number {
    return Math.min(...cells.map((cell) => this.#sum(cell)));
  }

  /** One cell of this server, over all workers. */
  #sum(cell: number): number {
    let sum = 0;
    const first = this.#place.server * BLOCK + cell;
    for (let at = first; at < this.#cells.length; at += this.#stride) {
      sum += Atomics.load(this.#cells, at);
    }
    return sum;
  }

  #add(cells: readonly number[], difference: 1 | -1): void {
    const base = this.#place.worker * this.#stride + this.#place.server * BLOCK;
    for (const cell of cells) Atomics.add(this.#cells, base + cell, difference);
  }
}

/** The cells of an address, one in each row. */
function hashed(host: string, key: string): number[] {
  const digest = createHmac("sha256", key).update(host).digest();
  return Array.from({ length: ROWS }, (_, row) => {
    return 1 + row * COLUMNS + digest.readUInt16LE(row * 2) % COLUMNS;
  });
}
