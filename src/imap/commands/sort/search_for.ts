import type { Uid } from "../../../lib/ids.ts";
import { Refused } from "../../../lib/refused.ts";
import type { Completion, Context } from "../../command.ts";
import { enableCondstore } from "../../enable_condstore.ts";
import { limitMessages } from "../../message_limit.ts";
import { spannedUids } from "../../view/uid_list.ts";
import type { Scanner } from "../../wire/scanner.ts";
import { refuseDisabled } from "../search.ts";
import { evaluate } from "../search/evaluate.ts";
import { hasKey, type SearchKey } from "../search/key.ts";
import { searchProgram } from "../search/parse.ts";
import { resolve } from "../search/resolve.ts";

/**
 *     search-criteria = charset 1*(SP search-key)          RFC 5256 §5
 *
 * Throws `unknown-charset`.
 */
export function searchCriteria(wire: Scanner): SearchKey {
  const charset = wire.astring();
  wire.sp();
  // RFC 6855 §3: where everything is UTF-8 no other charset may be named; here one must be.
  const isNeeded = wire.utf8 && /^(?:utf-8|us-ascii)$/i.test(charset);
  return searchProgram(wire, isNeeded ? null : charset);
}

/** What a search came to. */
export interface Searched {
  /** Ascending. */
  readonly uids: Uid[];
  /** RFC 9738: what is to be said when not all messages were looked at. */
  readonly completion: Completion;
  /** RFC 7162 §3.1.9: the answer has the highest MODSEQ. */
  readonly hasModseq: boolean;
  /** What was searched for. */
  readonly key: SearchKey;
}

/** The first half of SORT and THREAD, which is SEARCH. Throws `limit` for too many results. */
export async function searchFor(
  key: SearchKey,
  context: Context<"selected">,
  { resultsMax }: { readonly resultsMax: number },
): Promise<Searched> {
  refuseDisabled({ options: null, key }, context);
  const hasModseq = hasKey(
    key,
    (part) => part.kind === "stored" && "modseqFrom" in part.condition,
  );
  if (hasModseq) enableCondstore(context);
  const { session: { view, user }, services } = context;
  services.searchRate.take(user.accountId);
  const { ranges, completion = {} } = limitMessages(view.allRanges, context);
  const within = { kind: "stored", condition: { uids: spannedUids(view.list, ranges) } } as const;
  const limited: SearchKey = completion.code ? { kind: "all", keys: [within, key] } : key;
  const uids = await evaluate(resolve(limited, view), context);
  const { maxSearchResults } = services.config;
  for (const limit of [maxSearchResults, resultsMax]) {
    // RFC 5530 §3 LIMIT: never a part of the result that looks like all of it.
    if (limit > 0 && uids.length > limit) throw new Refused({ kind: "limit", what: "results" });
  }
  return { uids, completion, hasModseq, key: limited };
}
