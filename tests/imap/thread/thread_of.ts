import { type ThreadAlgorithm, Threading } from "../../../src/imap/commands/thread/threading.ts";
import { renderThreads } from "../../../src/imap/commands/thread/threads.ts";
import type { Uid } from "../../../src/lib/ids.ts";
import { atOnce, type Steps } from "../../../src/lib/steps.ts";
import type { ModelMessage } from "./naive_threads.ts";

/** The THREAD response of these messages, which come in pieces; `run` takes the steps. */
export function threadOf(
  algorithm: ThreadAlgorithm,
  messages: readonly ModelMessage[],
  { piece = 3, run = atOnce }: {
    readonly piece?: number;
    readonly run?: <T>(steps: Steps<T>) => T;
  } = {},
): string {
  const threading = new Threading(algorithm);
  for (let from = 0; from < messages.length; from += piece) {
    const some = messages.slice(from, from + piece);
    run(threading.add({
      uids: some.map((_, at) => from + at + 1 as Uid),
      dates: some.map(({ date }) => date),
      subjects: some.map(({ subject }) => subject),
      isReply: some.map(({ isReply }) => isReply),
      ids: some.map(({ id }) => id ?? ""),
      references: some.map(({ references }) => references.join(" ")),
    }));
  }
  const uidOf = (position: number) => threading.uids[position] ?? 0;
  return [...renderThreads(run(threading.threads()), uidOf)].join("");
}
