import type { SortedBy } from "../../../store/sort_criterion.ts";
import type { Scanner } from "../../wire/scanner.ts";

/** WHY: there are as many sort keys; one that comes again changes nothing. */
const CRITERIA_MAX = 20;

/** A criterion as the client wrote it; `relevancy` depends on the search. */
export interface WantedCriterion {
  readonly by: SortedBy | "relevancy";
  readonly reverse: boolean;
}

/**
 *     sort-criteria  = "(" sort-criterion *(SP sort-criterion) ")"          RFC 5256 §5
 *     sort-criterion = ["REVERSE" SP] sort-key
 */
export function sortCriteria(wire: Scanner): readonly WantedCriterion[] {
  const criteria = wire.list(() => {
    const reverse = wire.maybe("REVERSE ");
    const by = KEYS.get(wire.word()) ?? wire.fail("sort-key");
    return { by, reverse };
  });
  if (criteria.length > CRITERIA_MAX) wire.fail(`at most ${CRITERIA_MAX} sort criteria`);
  return criteria;
}

/** RFC 5256 §3, RFC 5957 §5, RFC 6203 §6. WHY a Map: no client may find `constructor` in it. */
const KEYS: ReadonlyMap<string, WantedCriterion["by"]> = new Map([
  ["ARRIVAL", "arrival"],
  ["CC", "cc"],
  ["DATE", "date"],
  ["FROM", "from"],
  ["SIZE", "size"],
  ["SUBJECT", "subject"],
  ["TO", "to"],
  ["DISPLAYFROM", "displayFrom"],
  ["DISPLAYTO", "displayTo"],
  ["RELEVANCY", "relevancy"],
]);

/** True when texts are compared, of which there may be many kilobytes. */
export function comparesTexts(criteria: readonly WantedCriterion[]): boolean {
  return criteria.some(({ by }) => !SIMPLE.has(by));
}
const SIMPLE: ReadonlySet<WantedCriterion["by"]> = new Set(["arrival", "date", "size"]);
