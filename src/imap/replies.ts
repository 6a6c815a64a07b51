import type { Connection } from "../net/connection.ts";

/** Everything the server says, as binary strings; queued on the connection, one write per turn. */
export class Replies {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** `* <text>` CRLF. The text is one line, or holds literals whose sizes are right. */
  untagged(text: string): void {
    this.#connection.write(`* ${text}\r\n`);
  }

  /** As it is, line ends included: parts of a long response. */
  raw(data: string | Uint8Array): void {
    this.#connection.write(data);
  }

  /** `+ <text>` CRLF: RFC 3501 §7.5. */
  continuation(text: string): void {
    this.#connection.write(`+ ${text}\r\n`);
  }

  /** The line that ends a command, `* BAD` when it had no readable tag: RFC 3501 §7.1. */
  tagged(tag: string | null, status: "OK" | "NO" | "BAD", { code, text }: TaggedText): void {
    this.#connection.write(`${tag ?? "*"} ${status} ${code ? `[${code}] ` : ""}${text}\r\n`);
  }

  /** RFC 3501 §7.1.5: the connection is about to be closed. */
  bye(text: string, code?: string): void {
    this.#connection.write(`* BYE ${code ? `[${code}] ` : ""}${text}\r\n`);
  }

  /** Resolves when little enough is queued that more may be written: back-pressure. */
  drained(): Promise<void> {
    return this.#connection.drained();
  }

  /** Resolves when everything queued is on its way to the client. */
  flush(): Promise<void> {
    return this.#connection.flush();
  }
}

/** The human part of a status response. */
export interface TaggedText {
  readonly code?: string | undefined;
  readonly text: string;
}
