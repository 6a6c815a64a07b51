import { concat, fromBinary, toBinary } from "../../src/lib/bytes.ts";

/** A client of line protocols for tests: lines as binary strings, replies until a condition. */
export class LineClient implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #chunk = new Uint8Array(65_536);
  #buffer: Uint8Array = new Uint8Array(0);
  #tag = 0;

  private constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  static async dial(port: number): Promise<LineClient> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    return new LineClient(conn);
  }

  /** IMAP: a client that has logged in. */
  static async logIn(port: number, address: string, password: string): Promise<LineClient> {
    const client = await LineClient.dial(port);
    try {
      await client.imapLine();
      const answer = (await client.imap(`LOGIN ${address} "${password}"`)).at(-1) ?? "";
      if (!/^\S+ OK /.test(answer)) throw new Error(answer);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** Sends octets as they are. */
  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? fromBinary(data) : data;
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  /** The next line without its CRLF; throws at the end of the connection. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf(10);
      if (end >= 0) {
        const line = toBinary(this.#buffer.subarray(0, end));
        this.#buffer = this.#buffer.subarray(end + 1);
        return line.endsWith("\r") ? line.slice(0, -1) : line;
      }
      await this.#fill();
    }
  }

  /** So many octets, whatever they are. */
  async octets(count: number): Promise<Uint8Array> {
    while (this.#buffer.length < count) await this.#fill();
    const octets = this.#buffer.slice(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return octets;
  }

  /** LMTP: sends a command and reads one reply, all of its lines. */
  async command(line: string): Promise<string[]> {
    await this.send(`${line}\r\n`);
    return await this.reply();
  }

  /** LMTP: one reply, `250-` lines included. */
  async reply(): Promise<string[]> {
    const lines: string[] = [];
    do lines.push(await this.line()); while (lines.at(-1)?.[3] === "-");
    return lines;
  }

  /**
   * IMAP: sends a command under a fresh tag and reads up to its tagged line, literals inline.
   * Answers the untagged lines and, last, the tagged one.
   */
  async imap(command: string): Promise<string[]> {
    const tag = `t${++this.#tag}`;
    await this.send(`${tag} ${command}\r\n`);
    return await this.untilTagged(tag);
  }

  async untilTagged(tag: string): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.imapLine();
      lines.push(line);
      if (line.startsWith(`${tag} `)) return lines;
    }
  }

  /** IMAP: one response with its literals inline. */
  async imapLine(): Promise<string> {
    let line = await this.line();
    for (let size = literalAt(line); size !== undefined; size = literalAt(line)) {
      line += `\r\n${toBinary(await this.octets(size))}`;
      line += await this.line();
    }
    return line;
  }

  close(): void {
    try {
      this.#conn.close();
    } catch {
      return;
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #fill(): Promise<void> {
    const n = await this.#conn.read(this.#chunk);
    if (n === null) throw new Error("The server closed the connection");
    this.#buffer = concat([this.#buffer, this.#chunk.slice(0, n)]);
  }
}

function literalAt(line: string): number | undefined {
  const found = /\{(\d+)\}$/.exec(line);
  return found ? Number(found[1]) : undefined;
}
