import type { DateRange } from "../../../store/search_condition.ts";
import type { SearchKey } from "./key.ts";

/**
 * RFC 3501 §6.4.4: SENTBEFORE and the like look at the day that the Date field names, "disregarding
 * time and timezone". The store keeps the moment, which is less than a day away from that day: it
 * decides alone where that is enough, and only messages at the edge have their header read.
 */
const DAY_MS = 24 * 60 * 60 * 1_000;

/** SENTBEFORE. */
export function sentBefore(day: Date): SearchKey {
  const edge = { from: days(day, -1), before: days(day, 1) };
  return either(moment({ before: days(day, -1) }), edge, { before: day });
}

/** SENTSINCE. */
export function sentSince(day: Date): SearchKey {
  const edge = { from: days(day, -1), before: days(day, 1) };
  return either(moment({ from: days(day, 1) }), edge, { from: day });
}

/** SENTON. */
export function sentOn(day: Date): SearchKey {
  const near = moment({ from: days(day, -1), before: days(day, 2) });
  const range = { from: day, before: days(day, 1) };
  return { kind: "all", keys: [near, { kind: "sentDay", range }] };
}

function either(certain: SearchKey, edge: DateRange, range: DateRange): SearchKey {
  const near: SearchKey = { kind: "all", keys: [moment(edge), { kind: "sentDay", range }] };
  return { kind: "any", keys: [certain, near] };
}

function moment(sentDate: DateRange): SearchKey {
  return { kind: "stored", condition: { sentDate } };
}

function days(day: Date, count: number): Date {
  return new Date(day.getTime() + count * DAY_MS);
}
