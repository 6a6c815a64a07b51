import { exitCodes } from "../app/exit_codes.ts";
import { type Problem, renderProblem } from "../config/problem.ts";
import { type Refusal, Refused } from "../lib/refused.ts";
import { DataDirInUse } from "../store/data_lock.ts";
import { SchemaError } from "../store/migrate.ts";

/** A subcommand ends here: lines for the operator and the exit code. */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(readonly exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The command line is wrong. */
export function usage(message: string): Failure {
  return new Failure(exitCodes.usage, message);
}

/** The configuration is wrong: every problem on its line. */
export function wrongConfiguration(problems: readonly Problem[]): Failure {
  return new Failure(exitCodes.config, problems.map(renderProblem).join("\n"));
}

/** Whatever a command threw, in words for an operator; never a stack. */
export function explain(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof Refused) return explainRefusal(error);
  if (error instanceof SchemaError || error instanceof DataDirInUse) {
    return new Failure(exitCodes.failure, error.message, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new Failure(exitCodes.failure, oneLine(message), { cause: error });
}

/** The first lines of a message that may have many. */
export function oneLine(message: string): string {
  return message.split("\n").map((line) => line.trim()).filter((line) => line !== "").join("; ");
}

function explainRefusal(error: Refused): Failure {
  const { refusal } = error;
  if (refusal.kind === "unavailable") {
    const message = `${words.unavailable(refusal)}${because(error.cause)}`;
    return new Failure(exitCodes.unavailable, message, { cause: error });
  }
  return new Failure(exitCodes.failure, wordsFor(refusal), { cause: error });
}

function because(cause: unknown): string {
  return cause instanceof Error && cause.message !== "" ? `: ${oneLine(cause.message)}` : "";
}

/** sora-admin's words for what the stores may decline. */
const words: {
  readonly [K in Refusal["kind"]]: (refusal: Extract<Refusal, { kind: K }>) => string;
} = {
  "bad-credentials": () => "wrong address or password",
  "login-disabled": () => "logins are disabled",
  "no-such-account": () => "there is no such account",
  "account-exists": ({ address }) => `${address} already exists`,
  "no-such-mailbox": ({ name }) => `there is no mailbox ${JSON.stringify(name)}`,
  "mailbox-exists": ({ name }) => `the mailbox ${JSON.stringify(name)} already exists`,
  "mailbox-has-children": ({ name }) => `the mailbox ${JSON.stringify(name)} has others below it`,
  "mailbox-protected": ({ name }) => `the mailbox ${JSON.stringify(name)} cannot be removed`,
  "bad-mailbox-name": ({ why }) => `this is no name for a mailbox: ${why}`,
  "too-many-mailboxes": ({ limit }) => `an account may have ${limit} mailboxes at most`,
  "bad-special-use": ({ why }) => `this special use is not possible: ${why}`,
  "read-only": () => "this can only be read",
  "not-permitted": () => "this is not permitted",
  "over-quota": () => "the quota is used up",
  "storage-full": () => "there is no room for bodies now",
  "too-big": ({ limitBytes }) => `larger than ${limitBytes} octets`,
  "metadata-too-big": ({ limitBytes }) => `the value is larger than ${limitBytes} octets`,
  "rate-limit": ({ retryAfterS }) => `too many requests, try again in ${retryAfterS} seconds`,
  superseded: () => "given up for another request",
  "notification-overflow": () => "there is too much to be watched",
  "too-many-messages": ({ limit }) => `more than ${limit} messages at a time`,
  "batch-size": () => "not a possible size of a batch",
  "not-saved": () => "no room for the result",
  "unknown-encoding": () => "the transfer encoding is not known",
  "bad-event": () => "the event is not known",
  "metadata-too-many": () => "there are too many annotations",
  "empty-message": () => "the message is empty",
  "bad-url": ({ url }) => `there is no message ${url}`,
  "compression-active": () => "the connection is compressed already",
  "message-gone": () => "the message is gone",
  "too-many-keywords": ({ limit }) => `a message may have ${limit} keywords at most`,
  "unknown-charset": ({ charset }) => `the charset ${JSON.stringify(charset)} is not known`,
  "too-many-connections": () => "there are too many connections",
  limit: ({ what }) => what,
  unsupported: ({ what }) => `${what} is not supported`,
  gone: ({ what }) => `${what} is gone`,
  unavailable: ({ what }) => `the ${what} cannot be used now`,
};

function wordsFor<K extends Refusal["kind"]>(refusal: Extract<Refusal, { kind: K }>): string {
  const say = words[refusal.kind as K];
  return say(refusal);
}
