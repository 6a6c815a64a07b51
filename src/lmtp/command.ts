import type { LmtpServerConfig } from "../config/config.ts";
import type { Connection } from "../net/connection.ts";
import type { Log } from "../observe/log.ts";
import type { Reply } from "./replies.ts";
import type { LmtpServices } from "./services.ts";
import type { Session, State } from "./session.ts";
import type { Input } from "./wire/input.ts";

/** What a command may see and do while it runs. */
export interface Context<S extends State = State> {
  readonly session: Session & { readonly state: S };
  readonly services: LmtpServices;
  readonly config: LmtpServerConfig;
  readonly connection: Connection;
  /** What the client sends behind the command line: the message. */
  readonly input: Input;
  /** Carries the session id on every line. */
  readonly log: Log;
  /** What LHLO answers behind our name. */
  keywords(): readonly string[];
  /** Goes to another state; a message that was coming in is dropped unless it goes along. */
  enter(next: Session): void;
  /** Sends a reply ahead of the one that ends the command. */
  reply(reply: Reply): void;
}

/** One row of the command table. */
export interface Command {
  /** Upper case. */
  readonly name: string;
  readonly states: readonly State[];
  /** What LHLO says because of this command: RFC 5321 §4.1.1.1. */
  readonly keywords: (config: LmtpServerConfig) => readonly string[];
  /** What is between the name and the CRLF, without the first space; binary string. */
  readonly run: (args: string, context: Context) => Promise<Reply | null>;
}

/** How a command is written down; see `command`. */
export interface Definition<S extends State, A> {
  readonly states: readonly S[];
  readonly keywords?: (config: LmtpServerConfig) => readonly string[];
  /** Throws WireError. */
  parse(args: string): A;
  /** Gives the reply that ends the command; null when it has sent all of them. */
  execute(args: A, context: Context<S>): Promise<Reply | null>;
}

/** Makes a row of the command table: arguments read like the ABNF, failure is thrown. */
export function command<S extends State, A>(name: string, definition: Definition<S, A>): Command {
  return {
    name,
    states: definition.states,
    keywords: definition.keywords ?? (() => []),
    run: async (args, context) =>
      // WHY: the dispatcher has compared the session's state with `states`.
      await definition.execute(definition.parse(args), context as Context<S>),
  };
}
