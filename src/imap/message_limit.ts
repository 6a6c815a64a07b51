import type { Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { Refused } from "../lib/refused.ts";
import { FLAG } from "../store/messages.ts";
import type { UidSet } from "../store/uid_set.ts";
import type { Completion, Context } from "./command.ts";
import { countOf, type IndexRange } from "./view/uid_list.ts";

type Limits = Pick<Context<"selected">, "session" | "services">;

/** What a command may do now; `completion` is its answer when that is not all that was asked for. */
export interface Limited {
  readonly ranges: readonly IndexRange[];
  readonly completion: Completion | undefined;
}

/**
 * RFC 9738 §3: at most `message_limit` messages are processed by one command, those with the highest
 * UIDs, and `OK [MESSAGELIMIT 1000 23221]` names the lowest of them, so that the client goes on below.
 * For every command that looks at messages one by one: FETCH, STORE, SEARCH (with all messages that
 * the view knows). The same ranges and no completion when no limit is configured or reached.
 */
export function limitMessages(ranges: readonly IndexRange[], context: Limits): Limited {
  const limit = limitOf(context);
  if (countOf(ranges) <= limit) return { ranges, completion: undefined };
  const { list } = context.session.view;
  const kept: IndexRange[] = [];
  let room = limit;
  let lowest = 0;
  for (const [low, high] of ranges.toReversed()) {
    if (room === 0) break;
    lowest = Math.max(low, high - room + 1);
    kept.unshift([lowest, high]);
    room -= high - lowest + 1;
  }
  return { ranges: kept, completion: cutAt(limit, (list.uids[lowest] ?? 0) as Uid) };
}

/** The same for EXPUNGE, where only messages with \Deleted count. */
export async function limitDeleted(
  wanted: UidSet,
  context: Limits,
): Promise<{ readonly uids: UidSet; readonly completion: Completion | undefined }> {
  const limit = limitOf(context);
  const { session: { view } } = context;
  if (view.count <= limit) return { uids: wanted, completion: undefined };
  const condition = { all: [{ uids: wanted }, { flagsSet: FLAG.deleted }] };
  const { uids } = await view.messages.search(view.mailbox.id, condition);
  if (uids.length <= limit) return { uids: NumberSet.from(uids), completion: undefined };
  const last = uids.slice(-limit);
  return { uids: NumberSet.from(last), completion: cutAt(limit, last[0] as Uid) };
}

/** COPY and MOVE are for all messages or none: throws `too-many-messages`. */
export function refuseAboveLimit(ranges: readonly IndexRange[], context: Limits): void {
  const limit = limitOf(context);
  if (countOf(ranges) > limit) throw new Refused({ kind: "too-many-messages", limit });
}

function limitOf({ services: { config: { messageLimit } } }: Limits): number {
  return messageLimit === 0 ? Infinity : messageLimit;
}

function cutAt(limit: number, lowest: Uid): Completion {
  return { code: `MESSAGELIMIT ${limit} ${lowest}`, text: "Only the newest messages, ask again" };
}
