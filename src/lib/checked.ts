import { NUMBER_MAX } from "./ids.ts";

/** What values of JSON that somebody else may have written are. */

export function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** RFC 3501 §9: nz-number. */
export function isNumber(value: unknown): value is number {
  return isCount(value) && value > 0 && value <= NUMBER_MAX;
}

/** Milliseconds, as a Date can hold them: ECMA-262 §21.4.1.1. */
export function isDate(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= 8.64e15;
}
