import { type CapabilityConfig, isDisabled } from "./capability_config.ts";
import type { Command } from "./command.ts";
import { append } from "./commands/append.ts";
import { authenticate } from "./commands/authenticate.ts";
import { cancelUpdate } from "./commands/cancelupdate.ts";
import { capability } from "./commands/capability.ts";
import { check } from "./commands/check.ts";
import { close } from "./commands/close.ts";
import { compress } from "./commands/compress.ts";
import { copy } from "./commands/copy.ts";
import { create } from "./commands/create.ts";
import { deleteCommand } from "./commands/delete.ts";
import { deleteAcl } from "./commands/deleteacl.ts";
import { enable } from "./commands/enable.ts";
import { esearch } from "./commands/esearch.ts";
import { examine } from "./commands/examine.ts";
import { expunge } from "./commands/expunge.ts";
import { fetch } from "./commands/fetch.ts";
import { getAcl } from "./commands/getacl.ts";
import { getMetadata } from "./commands/getmetadata.ts";
import { getQuota } from "./commands/getquota.ts";
import { getQuotaRoot } from "./commands/getquotaroot.ts";
import { id } from "./commands/id.ts";
import { idle } from "./commands/idle.ts";
import { list } from "./commands/list.ts";
import { listRights } from "./commands/listrights.ts";
import { login } from "./commands/login.ts";
import { logout } from "./commands/logout.ts";
import { lsub } from "./commands/lsub.ts";
import { move } from "./commands/move.ts";
import { myRights } from "./commands/myrights.ts";
import { namespace } from "./commands/namespace.ts";
import { noop } from "./commands/noop.ts";
import { notify } from "./commands/notify.ts";
import { rename } from "./commands/rename.ts";
import { replace } from "./commands/replace.ts";
import { search } from "./commands/search.ts";
import { select } from "./commands/select.ts";
import { setAcl } from "./commands/setacl.ts";
import { setMetadata } from "./commands/setmetadata.ts";
import { setQuota } from "./commands/setquota.ts";
import { sort } from "./commands/sort.ts";
import { status } from "./commands/status.ts";
import { store } from "./commands/store.ts";
import { subscribe } from "./commands/subscribe.ts";
import { thread } from "./commands/thread.ts";
import { uidBatches } from "./commands/uidbatches.ts";
import { unauthenticate } from "./commands/unauthenticate.ts";
import { unselect } from "./commands/unselect.ts";
import { unsubscribe } from "./commands/unsubscribe.ts";
import { literalCapability } from "./non_sync_literals.ts";
import type { State } from "./session.ts";

/** The command table: dispatch, CAPABILITY, metric labels and the transcript test all read it. */
// deno-fmt-ignore
export const commands: readonly Command[] = [
  append, authenticate, cancelUpdate, capability, check, close, compress, copy, create, deleteAcl, deleteCommand, enable, esearch, examine,
  expunge, fetch, getAcl, getMetadata, getQuota, getQuotaRoot, id, idle, list, listRights, login, logout, lsub, move, myRights, namespace, noop, notify, rename, replace, search,
  select, setAcl, setMetadata, setQuota, sort, status, store, subscribe, thread, uidBatches, unauthenticate, unselect, unsubscribe,
];

const byName = new Map(commands.map((command) => [command.name, command]));

/** Undefined when there is no such command, or its extension is disabled. */
export function find(name: string, config: CapabilityConfig): Command | undefined {
  const found = byName.get(name.toUpperCase());
  return found?.extension && isDisabled(found.extension, config) ? undefined : found;
}

/** What is announced is what is in the table, less what is disabled: the two cannot drift apart. */
export function capabilities(
  { state, loginAllowed, compressed, config }: {
    readonly state: State;
    /** May a password be sent on this connection as it is? RFC 3501 §7.2.1. */
    readonly loginAllowed: boolean;
    /** Is COMPRESS=DEFLATE active? RFC 4978 §3: once is enough. */
    readonly compressed: boolean;
    readonly config: CapabilityConfig;
  },
): string[] {
  const before = state === "greeted";
  const names = new Set(["IMAP4rev1"]);
  const literals = literalCapability({ state, config });
  if (literals) names.add(literals);
  for (const { states, extension, capabilities } of commands) {
    if (extension && isDisabled(extension, config)) continue;
    const onlyBefore = states.every((state) => state === "greeted");
    if (onlyBefore && !(before && loginAllowed)) continue;
    for (const name of capabilities) names.add(name);
  }
  // RFC 7889 §2: one limit for all mailboxes.
  if (!isDisabled("APPENDLIMIT", config)) names.add(`APPENDLIMIT=${config.appendLimitBytes}`);
  if (compressed) names.delete("COMPRESS=DEFLATE");
  // RFC 9738 §3: only while there is a limit.
  if (!before && config.messageLimit > 0) names.add(`MESSAGELIMIT=${config.messageLimit}`);
  // RFC 4314 §5.1.1: the rights that RFC 2086 does not have.
  if (!isDisabled("ACL", config)) names.add("RIGHTS=kxte");
  if (before && !loginAllowed) names.add("LOGINDISABLED");
  // RFC 9051 appendix E: what it is made of; without one of them it is no IMAP4rev2.
  if (REV2_PARTS.every((name) => !isDisabled(name, config))) names.add("IMAP4rev2");
  for (const name of config.additionalCaps) names.add(name);
  return [...names].filter((name) => !isDisabled(name, config));
}

/** Extensions of IMAP4rev1 that IMAP4rev2 includes: RFC 9051 §1.2 and appendix E. */
const REV2_PARTS = [
  "BINARY",
  "CHILDREN",
  "ENABLE",
  "ESEARCH",
  "IDLE",
  "LIST-EXTENDED",
  "LIST-STATUS",
  "LITERAL-",
  "MOVE",
  "NAMESPACE",
  "SASL-IR",
  "SEARCHRES",
  "SPECIAL-USE",
  "STATUS=SIZE",
  "UIDPLUS",
  "UNSELECT",
];
