import { Refused } from "../lib/refused.ts";
import { ConnectionGone } from "../net/connection.ts";
import type { Command, Completion, Context, Prepared } from "./command.ts";
import { type Announced, CommandInput } from "./command_input.ts";
import { admitNonSync } from "./non_sync_literals.ts";
import { Disconnected } from "./reader.ts";
import type { CommandReader } from "./reader.ts";
import { find } from "./registry.ts";
import { inImap } from "./replies_refused.ts";
import type { Session } from "./session.ts";
import type { View } from "./view/view.ts";
import type { FrameEvent } from "./wire/framer.ts";
import { Scanner } from "./wire/scanner.ts";
import { WireError } from "./wire/wire_error.ts";

/** A session as the dispatcher sees it. */
export interface Host extends Context {
  readonly reader: CommandReader;
  uid: boolean;
  tag: string;
  input: CommandInput;
  /** Writes the tagged reply; counts strikes, and may end the session. */
  conclude(tag: string | null, outcome: Outcome): Promise<void>;
  /** False when NOTIFY has switched off what is told of the selected mailbox. */
  readonly hearsOfSelected: boolean;
  /** Says BYE, once, and closes when the command is done. */
  sendAway(text: string): void;
}

/** How a command ended. */
export interface Outcome {
  readonly status: "OK" | "NO" | "BAD";
  readonly code?: string | undefined;
  readonly text: string;
  /** What was thrown, when something was. */
  readonly error?: unknown;
  /** Called as soon as the reply is queued. */
  readonly afterwards?: () => Promise<void> | void;
}

interface Work {
  readonly job: Job;
  readonly host: Host;
}

/** A command while it is worked on; filled in as far as it could be read. */
interface Job {
  tag: string | null;
  command: Command | null;
  uid: boolean;
}

/**
 * Handles one event between commands: runs a whole command, or decides about a literal that one
 * announces. Exactly one tagged reply is written for every command. Throws only when the connection
 * has ended.
 */
export function dispatch(event: FrameEvent, host: Host): Promise<void> {
  switch (event.kind) {
    case "command":
      return whole(event.text, { job: newJob(), host });
    case "literal":
      return decide(event, host);
    case "overlong":
      return overlong(event.head, { job: newJob(), host });
    case "octets":
    case "gone":
    case "flood":
      throw new Error(`Cannot have ${event.kind} between commands`);
  }
}

function whole(text: string, work: Work): Promise<void> {
  return answer(work, async () => {
    const wire = scan(text, work);
    const command = readHeading(wire, work);
    if (command.streams) work.host.input = inputFrom(wire, null, work);
    return await run(command.prepare(wire, work.job.uid), work);
  });
}

function overlong(head: string, work: Work): Promise<void> {
  readTag(head, work);
  return refuse(WireError.because("Command line is too long"), work);
}

/** Whether a literal may come is decided on what precedes it: RFC 7888 §4. */
async function decide(announced: Announced, host: Host): Promise<void> {
  const work = { job: newJob(), host };
  try {
    const wire = scan(announced.head, work);
    const command = readHeading(wire, work);
    if (command.streams) return await stream(command, { announced, at: wire.at }, work);
    admit(announced, host);
    hold(announced, host);
  } catch (error) {
    if (isEnd(error)) throw error;
    return await refuse(error, work);
  }
}

/** A streaming command runs before it has arrived, and reads the rest of itself. */
function stream(
  command: Command,
  { announced, at }: { readonly announced: Announced; readonly at: number },
  work: Work,
): Promise<void> {
  const { host, job } = work;
  const input = inputFrom(scan(host.reader.text, work, at), announced, work);
  host.input = input;
  return answer(work, async () => {
    try {
      return await run(await input.read((wire) => command.prepare(wire, job.uid)), work);
    } finally {
      if (!input.isComplete) await discard(host);
    }
  });
}

function inputFrom(wire: Scanner, announced: Announced | null, { host }: Work): CommandInput {
  const { reader, reply, enabled } = host;
  return new CommandInput(wire, announced, {
    reader,
    reply,
    utf8: enabled.utf8,
    admit: (literal) => admit(literal, host),
    hold: (literal) => hold(literal, host),
  });
}

function admit(literal: Announced, { session, services: { config } }: Host): void {
  admitNonSync(literal, { state: session.state, config });
}

/** The literal becomes part of the command's text. */
function hold({ sizeBytes, nonSync }: Announced, { reader, reply, memory }: Host): void {
  if (!reader.fits(sizeBytes)) throw new Refused({ kind: "limit", what: "literal" });
  memory.chargeCommand(sizeBytes);
  reader.accept();
  if (!nonSync) reply.continuation("OK");
}

function scan(text: string, { host }: Work, at = 0): Scanner {
  return new Scanner(text, { utf8: host.enabled.utf8, at });
}

/** Reads the refused command away, then answers it. */
function refuse(error: unknown, work: Work): Promise<void> {
  return answer(work, async () => {
    await discard(work.host);
    throw error;
  });
}

async function discard(host: Host): Promise<void> {
  if (!(await host.reader.discard())) host.sendAway("Too much data in a refused command");
}

/** Without a name: all that is known of a command whose line is too long. */
function readTag(head: string, { job }: Work): void {
  try {
    job.tag = new Scanner(head).tag();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
}

function newJob(): Job {
  return { tag: null, command: null, uid: false };
}

/** The tag and the name: which command this is. */
function readHeading(
  wire: Scanner,
  { job, host }: Work,
): Command {
  job.tag = wire.tag();
  let name = wire.sp().word();
  job.uid = name === "UID";
  if (job.uid) name = wire.sp().word();
  const command = find(name, host.services.config);
  if (!command || (job.uid && !command.uid)) throw WireError.because("Unknown command");
  job.command = command;
  if (host.enabled.uidOnly && command.numbers && !job.uid) {
    throw WireError.because(`UID ${command.name} is required`, "UIDREQUIRED");
  }
  if (!command.states.includes(host.session.state)) {
    throw WireError.because(`${command.name} is not possible in this state`);
  }
  return command;
}

/** Runs a command; what others changed in the selected mailbox is told before the tagged reply. */
async function run(prepared: Prepared, { job, host }: Work): Promise<Completion | void> {
  host.uid = job.uid;
  host.tag = job.tag ?? "*";
  const before = host.session;
  try {
    const leaves = job.command !== null && LEAVING.has(job.command.name);
    if (before.state === "selected" && !leaves) await renewRights(before.view, host);
    const completion = await prepared(host);
    await tell(host, { before, job });
    return completion;
  } catch (error) {
    if (isGone(error) && host.session.state === "selected") host.session.view.recheck();
    if (!isEnd(error)) await tell(host, { before, job });
    throw error;
  }
}

/** Nothing is in the way of these: RFC 3501 §6.1.3, RFC 8437 §3 know no NO. */
const LEAVING: ReadonlySet<string> = new Set(["LOGOUT", "UNAUTHENTICATE"]);

/** RFC 4314 §5.1.1: who may not read the mailbox any more is sent away. */
async function renewRights(view: View, host: Host): Promise<void> {
  try {
    await view.renewRights(host.reply);
  } catch (error) {
    if (isGone(error)) host.sendAway("The selected mailbox may not be read any more");
    throw error;
  }
}

/** A failure here must not turn a command that took effect into one that failed. */
async function tell(
  host: Host,
  { before, job: { command, uid } }: { readonly before: Session; readonly job: Job },
): Promise<void> {
  const { session, reply, log } = host;
  if (session.state !== "selected" || before.state !== "selected") return;
  // WHY: a view that this command opened has just told everything.
  if (session.view !== before.view) return;
  if (!host.hearsOfSelected) return; // RFC 5465 §3.1
  // RFC 3501 §7.4.1: UID FETCH, UID STORE and UID SEARCH may tell of expunged messages, unless they
  // name some by number (RFC 7162 §3.2.10.2).
  const expunges = command?.expunges !== false || uid && !session.view.usesNumbers;
  try {
    await session.view.tell(reply, { expunges });
  } catch (error) {
    if (isEnd(error)) throw error;
    if (error instanceof Refused && error.refusal.kind === "unavailable") {
      log.warning("view-not-refreshed", { error });
      return; // WHY: the next command tells the same changes.
    }
    if (!(error instanceof Refused)) log.error("view-broken", { error });
    // WHY: numbers that may be wrong are worse than a new connection.
    host.sendAway("The selected mailbox is gone or has changed, please reconnect");
  }
}

/** The one catch: everything that a command throws becomes its tagged reply. */
async function answer(
  { job, host }: Work,
  work: () => Promise<Completion | void>,
): Promise<void> {
  const startedAt = performance.now();
  let outcome: Outcome;
  try {
    const completion = await work();
    const code = codeOf(completion);
    outcome = { status: "OK", text: `${label(job)} completed`, ...completion, code };
  } catch (error) {
    if (isEnd(error)) throw error;
    outcome = failed(error, job);
    if (outcome.code === "SERVERBUG") {
      host.log.error("command-failed", { command: label(job), error });
    }
  }
  host.memory.endCommand();
  measure(host, { job, outcome, seconds: (performance.now() - startedAt) / 1_000 });
  await host.conclude(job.tag, outcome);
}

function codeOf(completion: Completion | void): string | undefined {
  const code = completion?.code;
  return typeof code === "function" ? code() : code;
}

function failed(error: unknown, { command }: Job): Outcome {
  if (error instanceof Refused) {
    return {
      status: "NO",
      ...inImap(error.refusal, { tryCreate: command?.tryCreate ?? false }),
      error,
    };
  }
  if (error instanceof WireError) {
    return { status: "BAD", code: error.code, text: error.message, error };
  }
  return { status: "NO", code: "SERVERBUG", text: "Internal error", error };
}

function measure(
  { services: { metrics, config }, log }: Host,
  { job, outcome, seconds }: {
    readonly job: Job;
    readonly outcome: Outcome;
    readonly seconds: number;
  },
): void {
  const command = label(job);
  const status = outcome.code === "SERVERBUG" ? "error" : outcome.status.toLowerCase();
  metrics.commandsTotal.inc({ protocol: "imap", command, status });
  metrics.commandDuration.observe({ protocol: "imap", command }, seconds);
  if (config.debug) log.debug("command", { command, status, code: outcome.code, seconds });
  if (status !== "bad" && status !== "error") return;
  metrics.protocolErrorsTotal.inc({
    protocol: "imap",
    command,
    error_type: status,
    severity: status === "bad" ? "client_error" : "server_error",
  });
}

/** For replies, logs and metrics: only names from the table, so strangers cannot add any. */
function label({ command, uid }: Job): string {
  if (!command) return "unknown";
  return uid ? `UID ${command.name}` : command.name;
}

/** A mailbox was deleted, perhaps the selected one, though no notice of that has come yet. */
function isGone(error: unknown): boolean {
  return error instanceof Refused && error.refusal.kind === "gone";
}

function isEnd(error: unknown): boolean {
  return error instanceof Disconnected || error instanceof ConnectionGone;
}
