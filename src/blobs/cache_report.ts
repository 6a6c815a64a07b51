import { CACHE_COUNTS, type CacheCounts } from "./body_cache.ts";

/** Name of the file in the folder of the cache. */
const FILE = "report.json";

/** What a server has counted since it was started. */
export type CacheReport = Readonly<Record<typeof CACHE_COUNTS[number], number>> & {
  /** ISO 8601. */
  readonly at: string;
};

/** Notes the numbers, for `sora-admin`. */
export async function writeCacheReport(directory: string, counts: CacheCounts): Promise<void> {
  const numbers = Object.fromEntries(CACHE_COUNTS.map((name) => [name, counts.get(name)]));
  const temporary = `${directory}/.${FILE}`;
  await Deno.writeTextFile(
    temporary,
    JSON.stringify({ ...numbers, at: new Date().toISOString() }),
    { mode: 0o600 },
  );
  await Deno.rename(temporary, `${directory}/${FILE}`);
}

/** What was noted last; null: nothing that can be read. */
export async function readCacheReport(directory: string): Promise<CacheReport | null> {
  try {
    const report: unknown = JSON.parse(await Deno.readTextFile(`${directory}/${FILE}`));
    return isReport(report) ? report : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return null;
    throw error;
  }
}

function isReport(value: unknown): value is CacheReport {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  return CACHE_COUNTS.every((name) => typeof fields.get(name) === "number") &&
    typeof fields.get("at") === "string";
}
