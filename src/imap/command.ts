import type { Connection } from "../net/connection.ts";
import type { Log } from "../observe/log.ts";
import type { Enabled } from "./enabled.ts";
import type { Replies } from "./replies.ts";
import type { ImapServices } from "./services.ts";
import type { Session, State } from "./session.ts";
import type { StreamedLiteral } from "./streamed_literal.ts";
import type { Scanner } from "./wire/scanner.ts";

/** What a command may see and do while it runs. */
export interface Context<S extends State = State> {
  readonly session: Extract<Session, { readonly state: S }>;
  readonly services: ImapServices;
  readonly reply: Replies;
  /** True for `UID FETCH` and the like: numbers in the arguments are UIDs. */
  readonly uid: boolean;
  /** Carries the session id on every line. */
  readonly log: Log;
  /** Extensions that this client has switched on: RFC 5161. */
  readonly enabled: Enabled;
  /** The command's tag, for responses that name it. */
  readonly tag: string;
  readonly connection: Connection;
  /** The octets of the literal that ends a streaming command; only when it `streams`. */
  readonly literal: StreamedLiteral;
  /** May a password be sent on this connection as it is? */
  readonly loginAllowed: boolean;
  /** What CAPABILITY answers now. */
  capabilities(): string;
  /** Goes to another state (RFC 3501 §3); leaving a view closes it. */
  enter(next: Session): void;
  /**
   * The next raw line without its end, for IDLE and AUTHENTICATE. Rejects when the client leaves
   * or the server shuts down; let that rejection pass, it ends the session. Call it once at a time.
   */
  nextLine(): Promise<string>;
}

/** What the tagged OK says; nothing means `OK <COMMAND> completed`. */
export interface Completion {
  /** Response code without brackets: `READ-WRITE`, `APPENDUID 38505 3955`. */
  readonly code?: string;
  readonly text?: string;
}

/** A command with its arguments read, ready to run. */
export type Prepared = (context: Context) => Promise<Completion | void>;

/** One row of the command table. */
export interface Command {
  readonly name: string;
  readonly states: readonly State[];
  /** The extension the command belongs to: without it, there is no such command. */
  readonly extension: string | null;
  /** Every capability that this command makes true. */
  readonly capabilities: readonly string[];
  readonly uid: boolean;
  readonly expunges: boolean;
  readonly streams: boolean;
  readonly tryCreate: boolean;
  /** Reads the arguments up to the end of the command. Throws WireError, or Refused for a mailbox name. */
  prepare(wire: Scanner, uid: boolean): Prepared;
}

/** How a command is written down; see `command`. */
export interface Definition<S extends State, A> {
  readonly states: readonly S[];
  /**
   * A string is the extension the command belongs to; a list holds what a command of the base
   * protocol makes true besides.
   */
  readonly capability?: string | readonly string[];
  /** Also a `UID` command. */
  readonly uid?: boolean;
  /** Default true. RFC 3501 §7.4.1: no EXPUNGE while FETCH, STORE or SEARCH by number runs. */
  readonly expunges?: boolean;
  /** The last argument is a literal that `execute` reads from `context.literal` as it arrives. */
  readonly streams?: boolean;
  /** RFC 3501 §7.1: a missing mailbox is answered TRYCREATE, not NONEXISTENT. */
  readonly tryCreate?: boolean;
  /** Reads from the octet after the command's name on. */
  parse(wire: Scanner, uid: boolean): A;
  execute(args: A, context: Context<S>): Promise<Completion | void>;
}

/** Makes a row of the command table: arguments read like the ABNF, failure is thrown. */
export function command<S extends State, A>(name: string, definition: Definition<S, A>): Command {
  const { capability = [], states } = definition;
  return {
    name,
    states,
    extension: typeof capability === "string" ? capability : null,
    capabilities: typeof capability === "string" ? [capability] : capability,
    uid: definition.uid ?? false,
    expunges: definition.expunges ?? true,
    streams: definition.streams ?? false,
    tryCreate: definition.tryCreate ?? false,
    prepare(wire, uid) {
      const args = definition.parse(wire, uid);
      wire.end();
      return async (context) => {
        if (!isIn(context, states)) throw new Error(`Cannot run ${name} in this state`);
        return await definition.execute(args, context);
      };
    },
  };
}

function isIn<S extends State>(
  context: Context,
  states: readonly S[],
): context is Context & Context<S> {
  return states.some((state) => state === context.session.state);
}
