import { formatSize } from "../config/size.ts";

/** Rows under a heading, in columns as wide as they need; for people. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heading, ...rows];
  const widths = heading.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  return all.map((row) => `${line(row, widths)}\n`).join("");
}

/** Names and values below each other. */
export function facts(pairs: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}

/** `2026-03-01 14:05 UTC`. */
export function moment(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function line(row: readonly string[], widths: readonly number[]): string {
  return row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ").trimEnd();
}

/** `1.2mb` of a number of octets. */
export function sizeCell(octets: number): string {
  const unit = octets < 10_000 ? 1 : octets < 10_000_000 ? 1024 : 1024 * 1024;
  return formatSize(Math.round(octets / unit) * unit);
}
