import type { LmtpServerConfig } from "../config/config.ts";
import { sharedPace } from "../lib/pace.ts";
import { Refused } from "../lib/refused.ts";
import { Networks } from "../limits/networks.ts";
import { type Connection, ConnectionGone } from "../net/connection.ts";
import type { Log } from "../observe/log.ts";
import type { Command, Context } from "./command.ts";
import { checkState, find, keywords } from "./registry.ts";
import { inLmtp, renderReply, type Reply, reply, serverBug, WireError } from "./replies.ts";
import type { LmtpServices } from "./services.ts";
import { after, type Session } from "./session.ts";
import { Input, type Line } from "./wire/input.ts";

/** Broken commands between two deliveries; an MTA has none, and who guesses is sent away. */
const ERRORS_MAX = 20;
/** Before LHLO: another protocol makes as many, and what follows must not be taken for ours. */
const ERRORS_BEFORE_LHLO_MAX = 3;
/** A browser or a proxy that was made to talk to us (RFC 9051 §11.8 on cross-protocol attacks). */
const HTTP = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|CONNECT|TRACE|PATCH) /i;

/**
 * Serves LMTP (RFC 2033) to one connection after the other; only clients of `trustedNetworks` are
 * served. Throws, at once, when one of the networks cannot be read.
 */
export function serveLmtp(
  services: LmtpServices,
  config: LmtpServerConfig,
): (connection: Connection) => Promise<void> {
  const trusted = Networks.parse(config.trustedNetworks);
  return async (connection) => {
    if (trusted.has(connection.remote.host)) {
      await new Conversation(services, config, connection).run();
      return;
    }
    const labels = { protocol: "lmtp", server_name: config.name, reason: "not_trusted" };
    services.metrics.connectionsRefusedTotal.inc(labels);
    services.log.info("client not trusted", { session: connection.id, ...connection.remote });
    // RFC 5321 §3.1: the greeting of a server that does not serve.
    connection.write(renderReply(reply(554, "5.7.1", "Your address is not trusted here")));
  };
}

const LEAVING = reply(421, "4.3.2", "Shutting down");
const FAULTS: Record<Extract<Line, { readonly fault: unknown }>["fault"], Reply> = {
  "too-long": reply(500, "5.5.2", "Line is too long"),
  "endless": reply(500, "5.5.2", "Line is too long"),
  "bare-line-end": reply(500, "5.5.2", "Lines end with CRLF and nothing else"),
  "nul": reply(500, "5.5.2", "NUL is not allowed"),
};

/** One session, from the greeting to the end. */
class Conversation {
  readonly #services: LmtpServices;
  readonly #config: LmtpServerConfig;
  readonly #connection: Connection;
  readonly #input: Input;
  readonly #log: Log;
  #session: Session = { state: "connected" };
  #isWaiting = false;
  #errors = 0;
  #lastCode = 0;

  constructor(services: LmtpServices, config: LmtpServerConfig, connection: Connection) {
    this.#services = services;
    this.#config = config;
    this.#connection = connection;
    this.#input = new Input(connection);
    this.#log = services.log.with({ session: connection.id, server: config.name });
  }

  async run(): Promise<void> {
    const { draining } = this.#services;
    const connection = this.#connection;
    const onDrain = () => this.#drain();
    connection.setIdleTimeout(this.#config.commandTimeoutMs);
    connection.onTimeout = () => this.#reply(reply(421, "4.4.2", "Timeout, closing connection"));
    draining.addEventListener("abort", onDrain);
    this.#log.debug("connected", { remote: connection.remote.host });
    try {
      this.#reply(reply(220, null, `${this.#config.hostname} LMTP Sora ready`));
      while (this.#session.state !== "closed") {
        if (draining.aborted && this.#isBetweenTransactions) this.#leave(LEAVING);
        else await this.#next();
      }
    } finally {
      draining.removeEventListener("abort", onDrain);
      this.#close();
      this.#log.debug("disconnected", { why: connection.closeReason });
    }
  }

  get #isBetweenTransactions(): boolean {
    return this.#session.state === "connected" || this.#session.state === "ready";
  }

  /** Reads one command and answers it. */
  async #next(): Promise<void> {
    await this.#connection.drained();
    await sharedPace.breathe();
    this.#isWaiting = !this.#input.isAhead;
    const line = await this.#input.line(() => {
      this.#isWaiting = false;
      this.#connection.setMinimumRate(this.#config.minBytesPerMinute);
    });
    this.#isWaiting = false;
    this.#connection.setMinimumRate(null);
    if (!line) return this.#close();
    if (this.#input.isAhead) this.#connection.hold();
    if (!("text" in line)) this.#fault(line.fault);
    else if (HTTP.test(line.text)) this.#leave(reply(421, "4.7.0", "This is an LMTP server"));
    else await this.#handle(line.text);
    const isNew = this.#session.state === "connected";
    if (this.#errors >= (isNew ? ERRORS_BEFORE_LHLO_MAX : ERRORS_MAX)) {
      this.#leave(reply(421, "4.7.0", "Too many errors"));
    }
  }

  async #handle(text: string): Promise<void> {
    const { metrics } = this.#services;
    const started = performance.now();
    const [name = "", args] = splitOnce(text);
    let command: Command | undefined;
    try {
      command = find(name);
      checkState(command, this.#session.state);
      const last = await command.run(args, this.#context());
      if (last) this.#reply(last);
    } catch (error) {
      if (error instanceof ConnectionGone) throw error;
      this.#reply(this.#replyTo(error, command?.name ?? "unknown"));
    }
    const labels = { protocol: "lmtp", command: command?.name ?? "unknown" };
    const status = `${Math.trunc(this.#lastCode / 100)}xx`;
    metrics.commandsTotal.inc({ ...labels, status });
    metrics.commandDuration.observe(labels, (performance.now() - started) / 1000);
    this.#log.debug("command", { command: labels.command, code: this.#lastCode });
  }

  #context(): Context {
    return {
      session: this.#session,
      services: this.#services,
      config: this.#config,
      connection: this.#connection,
      input: this.#input,
      log: this.#log,
      keywords: () => keywords(this.#config),
      enter: (next) => this.#enter(next),
      reply: (one) => this.#reply(one),
    };
  }

  #enter(next: Session): void {
    const last = this.#session;
    const allowed: readonly Session["state"][] = after[last.state];
    if (!allowed.includes(next.state)) {
      throw new Error(`Cannot go from ${last.state} to ${next.state}`);
    }
    this.#session = next;
    if (last.state === "bdat" && next.state !== "bdat") last.incoming.drop();
    if (next.state === "ready" && (last.state === "rcpt" || last.state === "bdat")) {
      this.#errors = 0;
    }
  }

  #reply(one: Reply): void {
    this.#lastCode = one.code;
    this.#connection.write(renderReply(one));
  }

  #leave(last: Reply): void {
    this.#reply(last);
    this.#close();
  }

  /** WHY: a drain may have closed the session while a read was waiting. */
  #close(): void {
    if (this.#session.state !== "closed") this.#enter({ state: "closed" });
  }

  /** The server is shutting down while this client says nothing. */
  #drain(): void {
    if (!this.#isWaiting || !this.#isBetweenTransactions) return;
    this.#leave(LEAVING);
    void this.#connection.end();
  }

  #fault(fault: keyof typeof FAULTS): void {
    this.#count("unknown", fault);
    if (fault === "endless") this.#leave(FAULTS[fault]);
    else this.#reply(FAULTS[fault]);
  }

  #replyTo(error: unknown, command: string): Reply {
    if (error instanceof WireError) {
      this.#count(command, String(error.reply.code));
      return error.reply;
    }
    if (error instanceof Refused) {
      if (error.refusal.kind === "unavailable") this.#log.warning("command deferred", { error });
      return inLmtp(error.refusal);
    }
    this.#log.error("command failed", { command, error });
    const labels = { protocol: "lmtp", command, error_type: "bug", severity: "server_error" };
    this.#services.metrics.protocolErrorsTotal.inc(labels);
    return serverBug;
  }

  #count(command: string, error_type: string): void {
    this.#errors++;
    const labels = { protocol: "lmtp", command, error_type, severity: "client_error" };
    this.#services.metrics.protocolErrorsTotal.inc(labels);
  }
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf(" ");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
