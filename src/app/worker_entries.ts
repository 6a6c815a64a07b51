/**
 * Every worker's entry point. `deno compile` does not see them by itself: each must be given to it
 * with `--include`, and a test compares this list with the task in deno.json.
 */
export const workerEntries = {
  protocol: "src/app/protocol_worker.ts",
  upload: "src/app/upload_worker.ts",
  hash: "src/auth/hash_worker.ts",
} as const;

/** The module to start a worker with. */
export function workerUrl(name: keyof typeof workerEntries): URL {
  return new URL(`../../${workerEntries[name]}`, import.meta.url);
}
