import { configureSync, resetSync } from "@logtape/logtape";
import { type LogEntry, toEntry } from "./log_entry.ts";
import type { LogLevel } from "./log_level.ts";

/**
 * Lets the isolate's logs speak: every record of `level` and above goes to `write` as plain data.
 * Called once by each entry point, again when the level changes.
 */
export function startLogging(level: LogLevel, write: (entry: LogEntry) => void): void {
  const sink = (record: Parameters<typeof toEntry>[0]) => write(toEntry(record));
  configureSync({
    reset: true,
    sinks: { out: sink },
    loggers: [
      { category: ["sora"], lowestLevel: level, sinks: ["out"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["out"] },
    ],
  });
}

/** Silence again. */
export function stopLogging(): void {
  resetSync();
}
