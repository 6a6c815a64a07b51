import { concat, toBinary } from "../../src/lib/bytes.ts";
import { Ticker } from "../../src/net/ticker.ts";
import type { Transport } from "../../src/net/transport.ts";

/** A clock that a test sets. */
export class ManualClock {
  #now = 0;
  readonly ticker: Ticker = new Ticker(() => this.#now);

  /** Lets so much time pass, one tick per second. */
  pass(ms: number): void {
    for (const end = this.#now + ms; this.#now < end;) {
      this.#now = Math.min(end, this.#now + 1_000);
      this.ticker.tick();
    }
  }
}

/** Reads everything up to EOF. */
export async function readAll(transport: Transport): Promise<string> {
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(8_192);
  for (let n = await transport.read(buffer); n !== null; n = await transport.read(buffer)) {
    chunks.push(buffer.slice(0, n));
  }
  return toBinary(concat(chunks));
}

/** Reads exactly so many octets. */
export async function readOctets(transport: Transport, count: number): Promise<string> {
  const all = new Uint8Array(count);
  for (let at = 0; at < count;) {
    const n = await transport.read(all.subarray(at));
    if (n === null) throw new Error(`EOF after ${at} of ${count} octets`);
    at += n;
  }
  return toBinary(all);
}

/** Writes everything. */
export async function writeAll(transport: Transport, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await transport.write(bytes.subarray(at));
}

/** Lets everything that needs no outside event run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
