const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  kb: 1024,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
  gib: 1024 ** 3,
  t: 1024 ** 4,
  tb: 1024 ** 4,
  tib: 1024 ** 4,
};

/** WHY: longer texts are no sizes; the limit keeps the scan short. */
const TEXT_MAX = 64;
const SIZE = /^(\d+(?:\.\d+)?) ?([kmgt]?i?b?)$/;

/**
 * A size as operators write it (`10gb`, `512kb`, `1.5 MiB`, `1024`) in octets, rounded; `kb`, `mb`
 * … are powers of 1024. Undefined when it is none, or above 2^53-1.
 */
export function parseSize(text: string): number | undefined {
  const trimmed = text.trim().toLowerCase();
  if (trimmed.length > TEXT_MAX) return undefined;
  const [, amount, unit = ""] = SIZE.exec(trimmed) ?? [];
  if (amount === undefined || !Object.hasOwn(UNITS, unit)) return undefined;
  const octets = Math.round(Number(amount) * (UNITS[unit] ?? 1));
  return Number.isSafeInteger(octets) ? octets : undefined;
}

/** Octets in the largest unit that keeps them whole: 26214400 is `25mb`. */
export function formatSize(octets: number): string {
  for (const unit of ["tb", "gb", "mb", "kb"]) {
    const length = UNITS[unit] ?? 1;
    if (octets >= length && octets % length === 0) return `${octets / length}${unit}`;
  }
  return String(octets);
}
