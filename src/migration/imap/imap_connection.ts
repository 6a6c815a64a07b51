import type { ImapFlow, MailboxObject } from "imapflow";
import { delay } from "../../lib/delay.ts";
import { Turns } from "../../lib/turns.ts";
import { SourceLost, Unreadable } from "../source.ts";
import { MESSAGE_BYTES_MAX } from "../take_message.ts";

/** Where mail is fetched from, and as whom. */
export interface ImapServer {
  readonly host: string;
  readonly port: number;
  /** "implicit": TLS from the first octet; "off" only on a way that nobody listens to. */
  readonly tls: "implicit" | "starttls" | "off";
  /** Certificates to trust instead of the system's, in PEM; null: the system's. */
  readonly ca: string | null;
  /** false: whoever answers is believed. */
  readonly verifies: boolean;
  /** Whose mail it is. */
  readonly user: string;
  /** Who logs in, if it is somebody else who may (RFC 4616: SASL PLAIN with an authorization id). */
  readonly master: string | null;
  readonly password: string;
}

const CONNECT_MS = 30_000;
const SILENCE_MS = 120_000;
/** Between attempts to connect again. */
const BACK_OFF_MS = [1_000, 2_000, 4_000, 8_000, 15_000];
/** Runs of one piece of work, if each breaks the connection. */
const RUNS_MAX = 2;
/** Of one answer: a message and what stands around it. */
const RESPONSE_BYTES_MAX = MESSAGE_BYTES_MAX + 1024 * 1024;

/** One connection to another IMAP server, made again when it breaks. It only reads. */
export class ImapConnection implements AsyncDisposable {
  readonly #server: ImapServer;
  readonly #turns = new Turns(1);
  #client: ImapFlow | null = null;
  #selected: MailboxObject | null = null;
  #isNew = true;

  constructor(server: ImapServer) {
    this.#server = server;
  }

  /**
   * Runs `work`, one piece at a time, with a mailbox opened (EXAMINE) or, for null, with none; once
   * more when the connection breaks. Throws `Unreadable` when the server declines or breaks the
   * connection each time, and `SourceLost` when it cannot be reached.
   */
  run<T>(
    path: string | null,
    work: (client: ImapFlow, mailbox: MailboxObject | null) => Promise<T>,
  ): Promise<T> {
    return this.#turns.run(async () => {
      for (let runs = 1;; runs++) {
        const client = await this.#connected();
        try {
          if (path !== null && this.#selected?.path !== path) {
            this.#selected = await client.mailboxOpen(path, { readOnly: true });
          }
          return await work(client, this.#selected);
        } catch (error) {
          if (error instanceof Unreadable || error instanceof SourceLost) throw error;
          if (client.usable) throw new Unreadable(serverText(error), { cause: error });
          this.#drop();
          if (runs < RUNS_MAX) continue;
          const why = `the server breaks the connection: ${serverText(error)}`;
          throw new Unreadable(why, { cause: error });
        }
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.logout().catch(() => client.close());
  }

  async #connected(): Promise<ImapFlow> {
    if (this.#client?.usable) return this.#client;
    this.#drop();
    for (const backOffMs of [...BACK_OFF_MS, null]) {
      try {
        this.#client = await this.#connect();
        this.#isNew = false;
        return this.#client;
      } catch (error) {
        // WHY: who cannot be reached the first time has another name or port.
        if (this.#isNew || backOffMs === null || isAboutTheLogin(error)) throw this.#failure(error);
        await delay(backOffMs);
      }
    }
    throw new Error("Cannot have run out of attempts");
  }

  async #connect(): Promise<ImapFlow> {
    const { host, port, tls, ca, verifies, user, master, password } = this.#server;
    const { ImapFlow } = await import("imapflow");
    const client = new ImapFlow({
      host,
      port,
      secure: tls === "implicit",
      doSTARTTLS: tls === "starttls",
      tls: { rejectUnauthorized: verifies, ...(ca === null ? {} : { ca }) },
      auth: master === null
        ? { user, pass: password }
        : { user: master, pass: password, authzid: user },
      logger: false,
      disableAutoIdle: true,
      clientInfo: { name: "Sora import" },
      connectionTimeout: CONNECT_MS,
      greetingTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      maxLiteralSize: RESPONSE_BYTES_MAX,
      maxResponseSize: 2 * RESPONSE_BYTES_MAX,
    });
    // WHY: an error between two commands is found by the next one.
    client.on("error", () => {});
    try {
      await client.connect();
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  #drop(): void {
    this.#client?.close();
    this.#client = null;
    this.#selected = null;
  }

  #failure(error: unknown): SourceLost {
    const { host, port, user } = this.#server;
    const message = isAboutTheLogin(error)
      ? `${host} does not let ${user} in: ${serverText(error)}`
      : `cannot reach the IMAP server ${host}:${port}: ${serverText(error)}`;
    return new SourceLost(message, { cause: error });
  }
}

function isAboutTheLogin(error: unknown): boolean {
  return error instanceof Error && "authenticationFailed" in error &&
    error.authenticationFailed === true;
}

/** What the server said, or what happened. */
function serverText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("responseText" in error && typeof error.responseText === "string") return error.responseText;
  return error.message;
}
