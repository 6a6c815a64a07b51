import type { NotifySet } from "./commands/notify/parse.ts";
import type { MailboxId } from "../lib/ids.ts";
import type { Connection } from "../net/connection.ts";
import type { Log } from "../observe/log.ts";
import type { UidSet } from "../store/uid_set.ts";
import type { ClientId } from "./client_id.ts";
import type { Compression } from "./compression.ts";
import type { CommandInput } from "./command_input.ts";
import type { Enabled } from "./enabled.ts";
import type { Progress } from "./progress.ts";
import type { Replies } from "./replies.ts";
import type { ImapServices } from "./services.ts";
import type { Session, Sessions, State } from "./session.ts";
import type { SessionMemory } from "./session_memory.ts";
import type { Scanner } from "./wire/scanner.ts";

/** What a command may see and do while it runs. */
export interface Context<S extends State = State> {
  readonly session: Sessions[S];
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
  /** The rest of a streaming command, as it arrives; only when it `streams`. */
  readonly input: CommandInput;
  /** Tells the client how far a long command is. */
  readonly progress: Progress;
  /**
   * Aborted, with the reason to throw, when nobody wants the answer any more: the client has left, or
   * has been waiting with its next command for long. Watching begins with the first use.
   */
  readonly cancelled: AbortSignal;
  /** Everything that is held for long, or is large, is charged here. */
  readonly memory: SessionMemory;
  readonly compression: Compression;
  /** May a password be sent on this connection as it is? */
  readonly loginAllowed: boolean;
  /** Keeps what the client says it is. */
  identify(clientId: ClientId): void;
  /** True while the client is told of events as they happen: RFC 5465. */
  readonly isNotifying: boolean;
  /** Tells the client from now on what it asks for; null: nothing more. */
  notify(request: NotifySet | null): Promise<void>;
  /** The command has put these messages there: they are no news to this client (RFC 5465 §5.2). */
  made(mailbox: MailboxId, uids: UidSet): void;
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
  /**
   * Response code without brackets: `READ-WRITE`, `APPENDUID 38505 3955`. A function is asked after
   * everything else has been told.
   */
  readonly code?: string | undefined | (() => string);
  readonly text?: string;
  /** Called when the tagged reply is queued, before anything else can be: COMPRESS. */
  readonly afterwards?: () => Promise<void> | void;
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
  readonly numbers: boolean;
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
  /** What else it makes true, beside the extension that it belongs to. */
  readonly also?: readonly string[];
  /** Also a `UID` command. */
  readonly uid?: boolean;
  /**
   * Without UID it has to do with message numbers, so that UIDONLY forbids it (RFC 9586 §3); default:
   * what is also a `UID` command.
   */
  readonly numbers?: boolean;
  /** Default true. RFC 3501 §7.4.1: no EXPUNGE while FETCH, STORE or SEARCH by number runs. */
  readonly expunges?: boolean;
  /** `parse` reads the first arguments; `execute` reads the others from `context.input`. */
  readonly streams?: boolean;
  /** RFC 3501 §7.1: a missing mailbox is answered TRYCREATE, not NONEXISTENT. */
  readonly tryCreate?: boolean;
  /** Reads from the octet after the command's name on. */
  parse(wire: Scanner, uid: boolean): A;
  execute(args: A, context: Context<S>): Promise<Completion | void>;
}

/** Makes a row of the command table: arguments read like the ABNF, failure is thrown. */
export function command<S extends State, A>(name: string, definition: Definition<S, A>): Command {
  const { capability = [], also = [], states } = definition;
  return {
    name,
    states,
    extension: typeof capability === "string" ? capability : null,
    capabilities: typeof capability === "string" ? [capability, ...also] : capability,
    uid: definition.uid ?? false,
    numbers: definition.numbers ?? definition.uid ?? false,
    expunges: definition.expunges ?? true,
    streams: definition.streams ?? false,
    tryCreate: definition.tryCreate ?? false,
    prepare(wire, uid) {
      const args = definition.parse(wire, uid);
      if (!definition.streams) wire.end();
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
