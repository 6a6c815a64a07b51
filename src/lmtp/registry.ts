import type { LmtpServerConfig } from "../config/config.ts";
import type { Command } from "./command.ts";
import { bdat } from "./commands/bdat.ts";
import { data } from "./commands/data.ts";
import { ehlo, helo } from "./commands/helo.ts";
import { lhlo } from "./commands/lhlo.ts";
import { mail } from "./commands/mail.ts";
import { noop } from "./commands/noop.ts";
import { quit } from "./commands/quit.ts";
import { rcpt } from "./commands/rcpt.ts";
import { rset } from "./commands/rset.ts";
import { vrfy } from "./commands/vrfy.ts";
import { wireError } from "./replies.ts";
import type { State } from "./session.ts";

/** Every command of LMTP: dispatch, LHLO, metric labels and the transcript test read this list. */
export const commands: readonly Command[] = [
  lhlo,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  vrfy,
  quit,
  helo,
  ehlo,
];

const byName = new Map(commands.map((command) => [command.name, command]));

/** The command of this name, any case. Throws WireError when there is none. */
export function find(name: string): Command {
  const command = byName.get(name.toUpperCase());
  if (!command) throw wireError(500, "5.5.1", "No such command");
  return command;
}

/** Throws WireError when the command has no place in this state. */
export function checkState(command: Command, state: State): void {
  if (!command.states.includes(state)) throw wireError(503, "5.5.1", misplaced[state]);
}

/** What we announce is what is in the table: the two cannot drift apart. */
export function keywords(config: LmtpServerConfig): readonly string[] {
  return commands.flatMap((command) => command.keywords(config));
}

/** What a command that came too early or too late is told. */
const misplaced: Record<State, string> = {
  connected: "Say LHLO first",
  ready: "Say MAIL first",
  mail: "Say RCPT first",
  rcpt: "A transaction is open",
  bdat: "A message is being sent in chunks",
  closed: "Closed",
};
