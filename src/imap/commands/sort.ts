import type { Uid } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";
import { Refused } from "../../lib/refused.ts";
import type { SortCriterion } from "../../store/sort_criterion.ts";
import { isDisabled } from "../capability_config.ts";
import { command, type Completion, type Context } from "../command.ts";
import { WireError } from "../wire/wire_error.ts";
import { scoresOf } from "./search.ts";
import { hasKey, type SearchKey } from "./search/key.ts";
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
    refuseUnoffered({ options, criteria, key }, context);
    const { session: { view }, services: { config } } = context;
    const resultsMax = comparesTexts(criteria) ? config.maxComplexSortResults : 0;
    try {
      const searched = await searchFor(key, context, { resultsMax });
      const scores = await scoresFor({ options, criteria, searched }, context);
      const uids = await view.messages.sort(
        view.mailbox.id,
        {
          uids: NumberSet.from(searched.uids),
          criteria: criteria.map((wanted) => settled(wanted, scores)),
        },
        { signal: context.cancelled },
      );
      const found = { uids, options, command: "SORT", hasModseq: searched.hasModseq } as const;
      const scored = { ...found, scores: uids.map((uid) => scores.get(uid) ?? 0) };
      await respond(options?.relevancy ? scored : found, context);
      return searched.completion;
    } catch (error) {
      // RFC 5182 §2.1: a search that is refused leaves nothing saved.
      if (options?.save && error instanceof Refused) view.save(NumberSet.of([]));
      throw error;
    }
  },
});

interface Asked {
  readonly options: ReturnOptions | null;
  readonly criteria: readonly WantedCriterion[];
}

/** What is not announced is refused. */
function refuseUnoffered(
  { options, criteria, key }: Asked & { readonly key: SearchKey },
  { services: { config } }: Context,
): void {
  const isRelevancy = options?.relevancy || criteria.some(({ by }) => by === "relevancy");
  const needs: readonly (readonly [extension: string, isUsed: boolean | undefined])[] = [
    ["ESORT", options !== null],
    ["SEARCHRES", options?.save],
    ["PARTIAL", options !== null && options.partial !== null],
    ["SEARCH=FUZZY", isRelevancy],
    ["SORT=DISPLAY", criteria.some(({ by }) => by === "displayFrom" || by === "displayTo")],
  ];
  for (const [extension, isUsed] of needs) {
    if (isUsed && isDisabled(extension, config)) {
      throw WireError.because(`${extension} is disabled`);
    }
  }
  if (options?.update) throw WireError.because("CONTEXT=SORT is not offered");
  // RFC 6203 §4 and §6.
  if (isRelevancy && !hasKey(key, ({ kind }) => kind === "fuzzy")) {
    throw WireError.because("RELEVANCY needs the search key FUZZY");
  }
}

/** How well each message matches, where that is asked for. */
async function scoresFor(
  { options, criteria, searched: { key, uids } }: Asked & { readonly searched: Searched },
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
