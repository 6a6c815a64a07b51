import { type CapabilityConfig, isDisabled } from "./capability_config.ts";
import type { Command } from "./command.ts";
import { append } from "./commands/append.ts";
import { authenticate } from "./commands/authenticate.ts";
import { capability } from "./commands/capability.ts";
import { check } from "./commands/check.ts";
import { close } from "./commands/close.ts";
import { copy } from "./commands/copy.ts";
import { create } from "./commands/create.ts";
import { deleteCommand } from "./commands/delete.ts";
import { enable } from "./commands/enable.ts";
import { examine } from "./commands/examine.ts";
import { expunge } from "./commands/expunge.ts";
import { fetch } from "./commands/fetch.ts";
import { id } from "./commands/id.ts";
import { idle } from "./commands/idle.ts";
import { list } from "./commands/list.ts";
import { login } from "./commands/login.ts";
import { logout } from "./commands/logout.ts";
import { lsub } from "./commands/lsub.ts";
import { move } from "./commands/move.ts";
import { namespace } from "./commands/namespace.ts";
import { noop } from "./commands/noop.ts";
import { rename } from "./commands/rename.ts";
import { search } from "./commands/search.ts";
import { select } from "./commands/select.ts";
import { status } from "./commands/status.ts";
import { store } from "./commands/store.ts";
import { subscribe } from "./commands/subscribe.ts";
import { unselect } from "./commands/unselect.ts";
import { unsubscribe } from "./commands/unsubscribe.ts";
import type { State } from "./session.ts";

/** The command table: dispatch, CAPABILITY, metric labels and the transcript test all read it. */
// deno-fmt-ignore
export const commands: readonly Command[] = [
  append, authenticate, capability, check, close, copy, create, deleteCommand, enable, examine,
  expunge, fetch, id, idle, list, login, logout, lsub, move, namespace, noop, rename, search,
  select, status, store, subscribe, unselect, unsubscribe,
];

const byName = new Map(commands.map((command) => [command.name, command]));

/** Undefined when there is no such command, or its extension is disabled. */
export function find(name: string, config: CapabilityConfig): Command | undefined {
  const found = byName.get(name.toUpperCase());
  return found?.extension && isDisabled(found.extension, config) ? undefined : found;
}

/** What is announced is what is in the table, less what is disabled: the two cannot drift apart. */
export function capabilities(
  { state, loginAllowed, config }: {
    readonly state: State;
    /** May a password be sent on this connection as it is? RFC 3501 §7.2.1. */
    readonly loginAllowed: boolean;
    readonly config: CapabilityConfig;
  },
): string[] {
  const before = state === "greeted";
  const names = new Set(["IMAP4rev1"]);
  // RFC 7888 §5: one or the other; strangers get the one that promises little.
  names.add(before ? "LITERAL-" : "LITERAL+");
  for (const { states, capabilities } of commands) {
    const onlyBefore = states.every((state) => state === "greeted");
    if (onlyBefore && !(before && loginAllowed)) continue;
    for (const name of capabilities) names.add(name);
  }
  if (before && !loginAllowed) names.add("LOGINDISABLED");
  for (const name of config.additionalCaps) names.add(name);
  return [...names].filter((name) => !isDisabled(name, config));
}
