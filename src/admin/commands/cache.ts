import { join, resolve } from "node:path";
import { readCacheReport } from "../../blobs/cache_report.ts";
import { cacheContent, emptyCache } from "../../blobs/cache_purger.ts";
import { formatSize } from "../../config/size.ts";
import type { Command, Request } from "../command.ts";
import { facts, moment, sizeCell } from "../table.ts";

/** Shows what the cache of this machine holds. */
export const cacheStats: Command = {
  name: "cache stats",
  summary: "show what the cache of this machine holds",
  options: {},
  example: "sora-admin cache stats --config config.toml",
  async run(request) {
    const { config: { localCache, s3 } } = request.setup();
    const directory = folderOf(request);
    const content = await cacheContent(directory);
    const { capacityBytes, maxObjectSizeBytes } = localCache;
    const isUsed = s3 !== null && localCache.enabled;
    const text = facts([
      ["Folder", directory + (isUsed ? "" : " (not used)")],
      ["Bodies", String(content.files)],
      ["Size", `${sizeCell(content.bytes)} of ${formatSize(capacityBytes)}`],
      ["Largest body", formatSize(maxObjectSizeBytes)],
      ["Not read since", content.oldest ? moment(content.oldest) : "-"],
    ]);
    return { text, json: { directory, isUsed, capacityBytes, maxObjectSizeBytes, ...content } };
  },
};

/** Shows how useful the cache is. */
export const cacheMetrics: Command = {
  name: "cache metrics",
  summary: "show how often the running server found a body in its cache",
  details: "Since the server was started; as it has noted it within the last minute.",
  options: {},
  example: "sora-admin cache metrics --config config.toml",
  async run(request) {
    const report = await readCacheReport(folderOf(request));
    if (!report) return { text: "No server has noted anything yet\n", json: null };
    const { hits, misses, stored, evicted, damaged, at } = report;
    const asked = hits + misses;
    const text = facts([
      ["Noted", moment(new Date(at))],
      ["Found", `${hits} of ${asked}${asked > 0 ? ` (${Math.round(100 * hits / asked)}%)` : ""}`],
      ["Stored", String(stored)],
      ["Removed", String(evicted)],
      ["Damaged", String(damaged)],
    ]);
    return { text, json: report };
  },
};

/** Empties the cache. */
export const cachePurge: Command = {
  name: "cache purge",
  summary: "remove every body from the cache of this machine",
  details: "Nothing is lost: bodies are fetched again when they are read. The server may run.",
  options: {},
  example: "sora-admin cache purge --config config.toml",
  async run(request) {
    const { files, bytes } = await emptyCache(folderOf(request));
    return { text: `${files} bodies removed, ${sizeCell(bytes)}\n`, json: { files, bytes } };
  },
};

function folderOf(request: Request): string {
  const { config: { dataDir, localCache } } = request.setup();
  return resolve(localCache.path ?? join(dataDir, "cache"));
}
