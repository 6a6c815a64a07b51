import type { Uid } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";
import { Refused } from "../../lib/refused.ts";
import type { SortCriterion } from "../../store/sort_criterion.ts";
import { isDisabled } from "../capability_config.ts";
import { command, type Completion, type Context } from "../command.ts";
import { WireError } from "../wire/wire_error.ts";
import { evaluate } from "./search/evaluate.ts";
import { respond } from "./search/respond.ts";
import { readReturn, type ReturnOptions } from "./search/return_options.ts";
import { comparesTexts, sortCriteria, type WantedCriterion } from "./sort/criteria.ts";
import { searchCriteria, type Searched, searchFor } from "./sort/search_for.ts";

/**
 * SORT and UID SORT: RFC 5256 §3, with ESORT (RFC 5267 §3), SORT=DISPLAY (RFC 5957) and RELEVANCY
 * (RFC 6203 §6). The database sorts.
 */
export const sort = command("SORT", {
  states: ["selected"],
  capability: "SORT",
  also: ["SORT=DISPLAY", "ESORT"],
  uid: true,
  expunges: false,
  parse: (wire) => ({
    options: readReturn(wire.sp()),
    criteria: sortCriteria(wire),
    key: searchCriteria(wire.sp()),
  }),
  async execute({ options, criteria, key }, context): Promise<Completion> {
    refuseDisabled({ options, criteria }, context);
    const { session: { view }, services: { config, messages } } = context;
    const resultsMax = comparesTexts(criteria) ? config.maxComplexSortResults : 0;
    try {
      const searched = await searchFor(key, context, { resultsMax });
      const { uids, completion, hasModseq } = searched;
      const exact = await exactOnes({ options, criteria, searched }, context);
      const sorted = await messages.sort(
        view.mailbox.id,
        { uids: NumberSet.from(uids), criteria: criteria.map((each) => settled(each, exact)) },
        { signal: context.cancelled },
      );
      const found = { uids: sorted, options, command: "SORT", hasModseq } as const;
      await respond(options?.relevancy ? { ...found, scores: scores(sorted, exact) } : found, context);
      return completion;
    } catch (error) {
      // RFC 5182 §2.1: a search that is refused leaves nothing saved.
      if (options?.save && error instanceof Refused) view.save(NumberSet.of([]));
      throw error;
    }
  },
});
