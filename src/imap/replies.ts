import type { Connection } from "../net/connection.ts";
import type { Enabled } from "./enabled.ts";
import { renderMailbox } from "./wire/quote.ts";

/** Everything the server says, as binary strings; queued on the connection, one write per turn. */
export class Replies {
  readonly #connection: Connection;
  readonly #enabled: Enabled;

  constructor(connection: Connection, enabled: Enabled) {
    this.#connection = connection;
    this.#enabled = enabled;
  }

  /** A mailbox's name as this client reads it: modified UTF-7, or UTF-8 where that is enabled. */
  mailbox(name: string): string {
    return renderMailbox(name, { utf8: this.#enabled.utf8 });
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
