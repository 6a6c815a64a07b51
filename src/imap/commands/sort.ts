import type { Uid } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";
import type { SortCriterion } from "../../store/sort_criterion.ts";
import { isDisabled } from "../capability_config.ts";
import { command, type Completion, type Context } from "../command.ts";
import { WireError } from "../wire/wire_error.ts";
import { keepUpdated, refuseTagInUse, refuseUpdate } from "./search/keep_updated.ts";
import { searchCriteria } from "./search/parse.ts";
import { respond } from "./search/respond.ts";
import { readReturn, type ReturnOptions } from "./search/return_options.ts";
import { scoresOf } from "./search/scores.ts";
import { savingNothing, type Searched, searchFor } from "./search/search_for.ts";
import { refuseUnoffered } from "./search/unoffered.ts";
import { comparesTexts, sortCriteria, type WantedCriterion } from "./sort/criteria.ts";

/**
 * SORT and UID SORT: RFC 5256 §3, with ESORT and CONTEXT (RFC 5267), SORT=DISPLAY (RFC 5957) and
 * RELEVANCY (RFC 6203 §6). The database sorts.
 */
export const sort = command("SORT", {
  states: ["selected"],
  capability: "SORT",
  also: ["SORT=DISPLAY", "ESORT", "CONTEXT=SORT"],
  uid: true,
  expunges: false,
  parse: (wire) => ({
    options: readReturn(wire.sp()),
    criteria: sortCriteria(wire),
    key: searchCriteria(wire.sp()),
  }),
  async execute({ options, criteria, key }, context): Promise<Completion> {
    const byRelevancy = criteria.some(({ by }) => by === "relevancy");
    refuseUnoffered({ options, key, byRelevancy }, context, SORT);
    refuseUnsortable(criteria, context);
    refuseTagInUse(options, context);
    const { session: { view }, services: { config } } = context;
    const resultsMax = comparesTexts(criteria) ? config.maxComplexSortResults : 0;
    return await savingNothing(options, context, async () => {
      const { completion, ...searched } = await searchFor(key, context, { resultsMax });
      const scores = await scoresFor({ options, criteria, searched }, context);
      const settledCriteria = criteria.map((wanted) => settled(wanted, scores));
      const wanted = { uids: NumberSet.from(searched.uids), criteria: settledCriteria };
      const { cancelled: signal } = context;
      const uids = await view.messages.sort(view.mailbox.id, wanted, { signal });
      const found = { uids, options, command: "SORT", hasModseq: searched.hasModseq } as const;
      const scored = { ...found, scores: uids.map((uid) => scores.get(uid) ?? 0) };
      await respond(options?.relevancy ? scored : found, context);
      // WHY: one message that changes would move others, too.
      if (byRelevancy) refuseUpdate(options, "Not by RELEVANCY", context);
      else keepUpdated(options, { ...searched, uids, criteria: settledCriteria }, context);
      return completion;
    });
  },
});

const SORT = { results: "ESORT", context: "CONTEXT=SORT" } as const;

interface Asked {
  readonly options: ReturnOptions | null;
  readonly criteria: readonly WantedCriterion[];
}

function refuseUnsortable(criteria: Asked["criteria"], { services: { config } }: Context): void {
  const byDisplay = criteria.some(({ by }) => by === "displayFrom" || by === "displayTo");
  if (byDisplay && isDisabled("SORT=DISPLAY", config)) {
    throw WireError.because("SORT=DISPLAY is disabled");
  }
}

/** How well each message matches, where that is asked for. */
async function scoresFor(
  { options, criteria, searched: { key, uids } }: Asked & {
    readonly searched: Pick<Searched, "key" | "uids">;
  },
  context: Context<"selected">,
): Promise<ReadonlyMap<Uid, number>> {
  if (!options?.relevancy && !criteria.some(({ by }) => by === "relevancy")) return new Map();
  const scores = await scoresOf(key, uids, context);
  return new Map(uids.map((uid, at) => [uid, scores[at] ?? 0]));
}

/** RFC 6203 §6: the most relevant ones come first. */
function settled(
  { by, reverse }: WantedCriterion,
  scores: ReadonlyMap<Uid, number>,
): SortCriterion {
  if (by !== "relevancy") return { by, reverse };
  const groups = Map.groupBy(scores, ([, score]) => score);
  const best = [...groups].sort(([a], [b]) => b - a);
  return {
    by: "sets",
    sets: best.map(([, group]) => NumberSet.from(group.map(([uid]) => uid))),
    reverse,
  };
}
