import type { Uid } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";
import { inTurns } from "../../lib/pace.ts";
import { isDisabled } from "../capability_config.ts";
import { command, type Completion, type Context } from "../command.ts";
import type { Scanner } from "../wire/scanner.ts";
import { WireError } from "../wire/wire_error.ts";
import { searchCriteria } from "./search/parse.ts";
import { searchFor } from "./search/search_for.ts";
import { refuseUnoffered } from "./search/unoffered.ts";
import { type ThreadAlgorithm, Threading } from "./thread/threading.ts";
import { renderThreads } from "./thread/threads.ts";

/** THREAD and UID THREAD: RFC 5256 §3, and REFS of draft-ietf-morg-inthread. */
export const thread = command("THREAD", {
  states: ["selected"],
  capability: ["THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES", "THREAD=REFS"],
  uid: true,
  expunges: false,
  parse: (wire) => ({
    algorithm: threadAlgorithm(wire.sp()),
    key: searchCriteria(wire.sp()),
  }),
  async execute({ algorithm, key }, context): Promise<Completion> {
    const { services: { config } } = context;
    if (isDisabled(`THREAD=${algorithm}`, config)) {
      throw WireError.because(`THREAD=${algorithm} is disabled`);
    }
    refuseUnoffered({ options: null, key }, context);
    const resultsMax = config.maxComplexSortResults;
    const { uids, completion } = await searchFor(key, context, { resultsMax });
    await respond(await collect(algorithm, NumberSet.from(uids), context), context);
    return completion;
  },
});

/** RFC 5256 §5: thread-alg */
function threadAlgorithm(wire: Scanner): ThreadAlgorithm {
  const name = wire.word();
  return name === "ORDEREDSUBJECT" || name === "REFERENCES" || name === "REFS"
    ? name
    : wire.fail("thread-alg");
}

/** Reads what the algorithm looks at. */
async function collect(
  algorithm: ThreadAlgorithm,
  uids: NumberSet<Uid>,
  { session: { view }, cancelled, memory, progress }: Context<"selected">,
): Promise<Threading> {
  const threading = new Threading(algorithm);
  const want = { subjects: algorithm !== "REFS", ids: algorithm !== "ORDEREDSUBJECT" };
  const total = uids.size;
  let charged = 0;
  for await (const facts of view.messages.threadFacts(view.mailbox.id, { uids, want })) {
    cancelled.throwIfAborted();
    await inTurns(threading.add(facts));
    const { sizeBytes } = threading;
    memory.chargeCommand(sizeBytes - charged);
    charged = sizeBytes;
    progress.report(threading.uids.length, total);
  }
  return threading;
}

/** `"THREAD" [SP 1*thread-list]`, in the number space of the command: RFC 5256 §4. */
async function respond(
  threading: Threading,
  { session: { view }, reply, uid: byUid }: Context<"selected">,
): Promise<void> {
  const threads = await inTurns(threading.threads());
  const numberOf = (position: number): number => {
    const uid = threading.uids[position];
    if (uid === undefined) throw new Error("Thread of a message that is not there");
    return byUid ? uid : view.numberOf(uid) ?? 0;
  };
  reply.raw(threads.roots.length === 0 ? "* THREAD" : "* THREAD ");
  for (const piece of renderThreads(threads, numberOf)) {
    reply.raw(piece);
    await reply.drained();
  }
  reply.raw("\r\n");
}
