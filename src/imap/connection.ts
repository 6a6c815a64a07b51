import { delay } from "../lib/delay.ts";
import type { MailboxId } from "../lib/ids.ts";
import { sharedPace } from "../lib/pace.ts";
import { Refused } from "../lib/refused.ts";
import { type Connection, ConnectionGone, type TimeoutReason } from "../net/connection.ts";
import type { Log } from "../observe/log.ts";
import type { UidSet } from "../store/uid_set.ts";
import type { ClientId } from "./client_id.ts";
import { Compression } from "./compression.ts";
import type { CommandInput } from "./command_input.ts";
import { CommandWatch } from "./command_watch.ts";
import { dispatch, type Host, type Outcome } from "./dispatch.ts";
import { Enabled } from "./enabled.ts";
import { loginAllowed } from "./login_allowed.ts";
import { Progress } from "./progress.ts";
import type { NotifySet } from "./commands/notify/parse.ts";
import { Notifier } from "./notifier.ts";
import { CommandReader, Disconnected } from "./reader.ts";
import { capabilities } from "./registry.ts";
import { Replies } from "./replies.ts";
import type { ImapServices } from "./services.ts";
import { mayFollow, type Session } from "./session.ts";
import { SessionMemory } from "./session_memory.ts";
import { afterLogin, beforeLogin, type FrameEvent } from "./wire/framer.ts";
import { WireError } from "./wire/wire_error.ts";

/** Strangers have this long between two commands: enough to type a password. */
const GREETED_IDLE_MS = 2 * 60_000;
/** RFC 3501 §5.4: the inactivity timer of a user MUST be at least 30 minutes. */
const USER_IDLE_MS_MIN = 30 * 60_000;
/** Bad commands of a stranger: a confused client needs one, another protocol many. */
const STRANGER_BAD_MAX = 3;
/** Commands of a stranger in all: a client needs four, and nobody may stay for ever without a name. */
const STRANGER_COMMANDS_MAX = 50;
/** Bad commands in a row of a user, so that a looping client does not loop for ever. */
const USER_BAD_MAX = 20;
/** Failed logins on one connection. */
const LOGIN_FAILURES_MAX = 5;
/** Before the reply to a failed login, times the number of failures so far. */
const LOGIN_FAILURE_DELAY_MS = 100;
/** A browser or a proxy that was made to talk to us (RFC 9051 §11.8 on cross-protocol attacks). */
const HTTP =
  /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|CONNECT|TRACE|PATCH) (?:\S+ HTTP\/|[/*]|https?:)/i;

/** Serves IMAP on connections of one listener; drains them all when `services.draining` aborts. */
export function serveImap(services: ImapServices): (connection: Connection) => Promise<void> {
  const live = new Set<ImapConnection>();
  services.draining.addEventListener("abort", () => {
    for (const session of live) session.drain();
  }, { once: true });
  return async (connection) => {
    const session = new ImapConnection(services, connection);
    live.add(session);
    try {
      await session.serve();
    } finally {
      live.delete(session);
    }
  };
}

/** One client from greeting to BYE; what its commands see of it is `Context`. */
class ImapConnection implements Host {
  readonly services: ImapServices;
  readonly connection: Connection;
  readonly reply: Replies;
  readonly reader: CommandReader;
  readonly log: Log;
  readonly enabled = new Enabled();
  tag = "";
  readonly loginAllowed: boolean;
  uid = false;
  readonly memory: SessionMemory;
  readonly compression: Compression;
  /** What the client has said that it is, by ID. */
  clientId: ClientId = {};
  #input: CommandInput | undefined;
  #progress: Progress | undefined;
  #watch: CommandWatch | undefined;
  #notifier: Notifier | undefined;
  #session: Session = { state: "greeted" };
  /** True while a command runs and does not wait for the client's next line. */
  #busy = false;
  #badCommands = 0;
  #strangerCommands = 0;
  #loginFailures = 0;

  constructor(services: ImapServices, connection: Connection) {
    const { commandTimeoutMs: commandMs, minBytesPerMinute: bytesPerMinute } = services.config;
    this.services = services;
    this.connection = connection;
    this.log = services.log.with({ session: connection.id });
    this.memory = new SessionMemory(services.config.sessionMemoryLimitBytes);
    this.reply = new Replies(connection, this.enabled);
    const pace = { idleMs: GREETED_IDLE_MS, commandMs, bytesPerMinute };
    this.reader = new CommandReader(connection, pace);
    this.compression = new Compression(connection, this.reader);
    this.loginAllowed = loginAllowed(connection, services.config);
    connection.onTimeout = (reason) => {
      // WHY: a session may be over in the middle of a literal that a command sends.
      if (reason !== "session" || !this.#busy) this.reply.bye(farewells[reason]);
    };
  }

  /** Returns when the connection has ended; never throws. */
  async serve(): Promise<void> {
    try {
      this.reply.untagged(`OK [CAPABILITY ${this.capabilities()}] Sora ready`);
      while (!this.#isOver()) {
        this.#notifier?.resume({ expunges: false });
        const event = await this.reader.next();
        await this.#notifier?.pause();
        this.#busy = true;
        if (this.#isHttp(event)) break;
        await dispatch(event, this);
        this.#endCommand();
        this.#busy = false;
        await this.reply.drained();
        await sharedPace.breathe();
      }
    } catch (error) {
      if (!(error instanceof Disconnected || error instanceof ConnectionGone)) {
        this.log.error("session-failed", { error });
        this.reply.bye("Internal error");
      }
    } finally {
      this.#notifier?.[Symbol.dispose]();
      this.#endCommand();
      this.#end();
      await this.connection.end();
    }
  }

  get session(): Session {
    return this.#session;
  }

  get input(): CommandInput {
    if (!this.#input) throw new Error("Cannot read input: the command does not stream");
    return this.#input;
  }

  set input(input: CommandInput) {
    this.#input = input;
  }

  get progress(): Progress {
    return this.#progress ??= new Progress(this);
  }

  get cancelled(): AbortSignal {
    return (this.#watch ??= new CommandWatch(this.reader)).signal;
  }

  // WHY: arrow functions, so that a command may take them out of its context by destructuring.
  readonly capabilities = (): string => {
    const { loginAllowed, services: { config } } = this;
    const { isActive: compressed } = this.compression;
    const { state } = this.#session;
    return capabilities({ state, loginAllowed, compressed, config }).join(" ");
  };

  readonly identify = (clientId: ClientId): void => {
    this.clientId = clientId;
  };

  readonly enter = (next: Session): void => {
    const last = this.#session;
    if (!mayFollow(last.state, next.state)) {
      throw new Error(`Cannot go from state ${last.state} to ${next.state}`);
    }
    this.#session = next;
    if (last.state === "greeted" && next.state === "authenticated") this.#welcome();
    if (next.state === "greeted") this.#forget();
    if (last.state === "selected" && !(next.state === "selected" && next.view === last.view)) {
      last.view.close();
      this.memory.hold("saved search", 0);
    }
    const leaves = next.state === "closed" || next.state === "greeted";
    if (last.state !== "greeted" && leaves) this.#countUser(-1);
  };

  readonly nextLine = async (): Promise<string> => {
    if (this.#sayShutdown()) throw new Disconnected();
    this.#busy = false;
    this.#notifier?.resume({ expunges: true });
    const line = await this.reader.line();
    await this.#notifier?.pause();
    this.#busy = true;
    if (line === null) throw WireError.because("Line is too long");
    return line;
  };

  get isNotifying(): boolean {
    return this.#notifier !== undefined;
  }

  /** Is the client to be told of the selected mailbox at the end of a command? */
  get hearsOfSelected(): boolean {
    const selected = this.#notifier?.request.selected;
    return !this.#notifier || (selected?.events.size ?? 0) > 0;
  }

  readonly notify = async (request: NotifySet | null): Promise<void> => {
    const { session } = this;
    // RFC 5465 §3.1: NOTIFY implies a NOOP, also for whoever asks for nothing about this mailbox.
    if (session.state === "selected") await session.view.tell(this.reply, { expunges: true });
    if (!request) return this.stopNotifying();
    const notifier = new Notifier(this, request);
    try {
      await notifier.start();
    } catch (error) {
      notifier[Symbol.dispose]();
      throw error;
    }
    this.stopNotifying();
    this.enabled.add("NOTIFY");
    this.#notifier = notifier;
  };

  readonly made = (mailbox: MailboxId, uids: UidSet): void => {
    this.#notifier?.made(mailbox, uids);
  };

  stopNotifying(): void {
    this.#notifier?.[Symbol.dispose]();
    this.#notifier = undefined;
  }

  leave(text: string): void {
    this.sendAway(text);
    void this.connection.end(); // never throws; the waiting reader sees the end
  }

  async conclude(tag: string | null, outcome: Outcome): Promise<void> {
    const badCredentials = outcome.error instanceof Refused &&
      outcome.error.refusal.kind === "bad-credentials";
    if (badCredentials) await this.#delayFailedLogin();
    this.reply.tagged(tag, outcome.status, outcome);
    await outcome.afterwards?.();
    this.#badCommands = outcome.status === "BAD" ? this.#badCommands + 1 : this.#badAfterGood();
    const isStranger = this.#session.state === "greeted";
    if (isStranger) this.#strangerCommands++;
    const badMax = isStranger ? STRANGER_BAD_MAX : USER_BAD_MAX;
    if (this.#badCommands >= badMax) this.sendAway("Too many bad commands");
    if (this.#strangerCommands >= STRANGER_COMMANDS_MAX) {
      this.sendAway("Too many commands before login");
    }
    if (this.#loginFailures >= LOGIN_FAILURES_MAX) this.sendAway("Too many failed logins");
  }

  /** The server shuts down: says BYE now, or when the running command is done. */
  drain(): void {
    if (this.#busy) return;
    this.reply.bye(SHUTDOWN);
    void this.connection.end(); // never throws; the waiting reader sees the end
  }

  #endCommand(): void {
    this.#watch?.end();
    this.#watch = this.#progress = this.#input = undefined;
  }

  #isOver(): boolean {
    return this.#session.state === "closed" || this.#sayShutdown();
  }

  #sayShutdown(): boolean {
    if (!this.services.draining.aborted) return false;
    if (this.connection.isOpen) this.reply.bye(SHUTDOWN);
    return true;
  }

  #isHttp(event: FrameEvent): boolean {
    if (this.#session.state !== "greeted" || event.kind !== "command") return false;
    if (!HTTP.test(event.text)) return false;
    this.reply.bye("This is an IMAP server");
    return true;
  }

  #welcome(): void {
    const { idleTimeoutMs, commandTimeoutMs, minBytesPerMinute } = this.services.config;
    this.#badCommands = 0;
    this.reader.allow(afterLogin, {
      idleMs: Math.max(idleTimeoutMs, USER_IDLE_MS_MIN),
      commandMs: commandTimeoutMs,
      bytesPerMinute: minBytesPerMinute,
    });
    this.#countUser(1);
  }

  /** RFC 8437 §3: a stranger again, but one who has failed to log in as often as before. */
  #forget(): void {
    const { commandTimeoutMs: commandMs, minBytesPerMinute: bytesPerMinute } = this.services.config;
    this.enabled.clear();
    this.stopNotifying();
    this.#strangerCommands = 0;
    this.#badCommands = 0;
    this.reader.allow(beforeLogin, { idleMs: GREETED_IDLE_MS, commandMs, bytesPerMinute });
  }

  #countUser(change: 1 | -1): void {
    const { metrics, config: { name } } = this.services;
    metrics.authenticatedConnectionsCurrent.inc({ protocol: "imap", server_name: name }, change);
  }

  /** A stranger's bad commands count in all, a user's in a row. */
  #badAfterGood(): number {
    return this.#session.state === "greeted" ? this.#badCommands : 0;
  }

  async #delayFailedLogin(): Promise<void> {
    const ms = LOGIN_FAILURE_DELAY_MS * ++this.#loginFailures;
    const { signal } = this.connection;
    await delay(ms, signal);
    if (signal.aborted) throw new Disconnected();
  }

  sendAway(text: string): void {
    if (this.#session.state === "closed") return;
    this.reply.bye(text);
    this.enter({ state: "closed" });
  }

  #end(): void {
    if (this.#session.state !== "closed") this.enter({ state: "closed" });
  }
}

const SHUTDOWN = "Server shutting down";

const farewells: Readonly<Record<TimeoutReason, string>> = {
  idle: "Autologout; idle for too long",
  slow: "Too slow",
  session: "Session lasted too long, please reconnect",
};
