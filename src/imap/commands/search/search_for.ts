import { NUMBER_MAX, type Uid } from "../../../lib/ids.ts";
import { NumberSet } from "../../../lib/number_set.ts";
import { Refused } from "../../../lib/refused.ts";
import type { Completion, Context } from "../../command.ts";
import { enableCondstore } from "../../enable_condstore.ts";
import { limitMessages } from "../../message_limit.ts";
import { evaluate } from "./evaluate.ts";
import { hasKey, isListing, type SearchKey } from "./key.ts";
import { resolve } from "./resolve.ts";
import type { ReturnOptions } from "./return_options.ts";

/** What a search came to. */
export interface Searched {
  /** Ascending. */
  readonly uids: Uid[];
  /** RFC 9738: what is to be said when not all messages were looked at. */
  readonly completion: Completion;
  /** RFC 7162 §3.1.5: the answer has the highest MODSEQ. */
  readonly hasModseq: boolean;
  /** What was searched for. */
  readonly key: SearchKey;
  /** More results than this would have been refused; 0: any number. */
  readonly resultsMax: number;
}

/**
 * SEARCH, and the first half of SORT and THREAD. Throws `limit` for more results than `resultsMax` (0:
 * any number), or than the configuration allows.
 */
export async function searchFor(
  key: SearchKey,
  context: Context<"selected">,
  { resultsMax = 0 }: { readonly resultsMax?: number } = {},
): Promise<Searched> {
  const hasModseq = hasKey(
    key,
    (part) => part.kind === "stored" && "modseqFrom" in part.condition,
  );
  if (hasModseq) enableCondstore(context);
  const { session: { view, user }, services: { searchRate, config } } = context;
  searchRate.take(user.accountId);
  const { ranges, completion = {} } = limitMessages(view.allRanges, context);
  const lowest = view.list.uids[ranges[0]?.[0] ?? 0] ?? 0;
  const newest = { uids: NumberSet.of([[lowest as Uid, NUMBER_MAX as Uid]]) };
  const limited: SearchKey = completion.code
    ? { kind: "all", keys: [{ kind: "stored", condition: newest }, key] }
    : key;
  const uids = await evaluate(resolve(limited, view), context);
  // WHY: who asks which messages there are must not believe that some are gone.
  const limits = isListing(key) ? [resultsMax] : [config.maxSearchResults, resultsMax];
  const limit = Math.min(...limits.map((max) => max || Infinity));
  // RFC 5530 §3 LIMIT: never a part of the result that looks like all of it.
  if (uids.length > limit) throw new Refused({ kind: "limit", what: "search results" });
  return {
    uids,
    completion,
    hasModseq,
    key: limited,
    resultsMax: limit === Infinity ? 0 : limit,
  };
}

/** RFC 5182 §2.1: a search that is refused leaves nothing saved. */
export async function savingNothing<T>(
  options: ReturnOptions | null,
  { session: { view } }: Context<"selected">,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (options?.save && error instanceof Refused) view.save(NumberSet.of([]));
    throw error;
  }
}
