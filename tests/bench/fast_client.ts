import { fromBinary } from "../../src/lib/bytes.ts";

/** Characters looked at for the end of a reply: a tagged OK may hold all capabilities. */
const TAIL = 4_000;
const latin1 = new TextDecoder("latin1");

/** A client that reads as fast as it can and looks at nothing but the end of a reply. */
export class FastClient implements Disposable {
  readonly #conn: Deno.TcpConn;
  readonly #chunk = new Uint8Array(1024 * 1024);
  lastBytes = 0;
  /** The end of the last reply. */
  last = "";

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async login(port: number, user: string, password: string): Promise<FastClient> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    const client = new FastClient(conn);
    await client.#until(/ ready/);
    await client.command(`LOGIN ${user} "${password}"`);
    return client;
  }

  async command(text: string): Promise<void> {
    const bytes = fromBinary(`tag7 ${text}\r\n`);
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
    await this.#until(/(?:^|\n)tag7 OK.*\r\n$/);
  }

  async timed(text: string): Promise<number> {
    const from = performance.now();
    await this.command(text);
    return performance.now() - from;
  }

  async startIdle(): Promise<void> {
    await this.#conn.write(fromBinary("tag7 IDLE\r\n"));
    await this.#until(/^\+/);
  }

  async heard(word: string): Promise<number> {
    await this.#until(new RegExp(word));
    return performance.now();
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }

  async #until(end: RegExp): Promise<void> {
    this.lastBytes = 0;
    let tail = "";
    do {
      const n = await this.#conn.read(this.#chunk);
      if (n === null) throw new Error(`Server closed; the last it said: ${tail}`);
      this.lastBytes += n;
      tail = (tail + latin1.decode(this.#chunk.subarray(Math.max(0, n - TAIL), n))).slice(-TAIL);
      if (/(?:^|\n)tag7 (?:NO|BAD).*\r\n$/.test(tail)) {
        throw new Error(tail.slice(tail.lastIndexOf("tag7")).trimEnd());
      }
    } while (!end.test(tail));
    this.last = tail;
  }
}
