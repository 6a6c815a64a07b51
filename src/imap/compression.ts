import type { Connection } from "../net/connection.ts";
import { DeflateTransport } from "../net/deflate_transport.ts";
import type { CommandReader } from "./reader.ts";

/** Compression of one connection: on from a tagged reply on, off again behind another. */
export class Compression {
  readonly #connection: Connection;
  readonly #reader: CommandReader;
  #layer: DeflateTransport | undefined;

  constructor(connection: Connection, reader: CommandReader) {
    this.#connection = connection;
    this.#reader = reader;
  }

  get isActive(): boolean {
    return this.#layer !== undefined;
  }

  /**
   * RFC 4978 §3: from here on both sides compress. WHY: a client that did not wait for the reply has
   * sent the next command compressed, or else something that ends the connection.
   */
  start(): void {
    this.#reader.giveBack();
    this.#connection.layer((inner, prelude) => this.#layer = new DeflateTransport(inner, prelude));
  }

  /** RFC 8437 §4.1: both sides stop here. */
  async stop(): Promise<void> {
    const layer = this.#layer;
    this.#layer = undefined;
    if (layer) await this.#connection.unlayer(layer.inner, () => layer.leave());
  }
}
