/** Severities of the configuration key `logging.level`, lowest first. */
export const logLevels = ["debug", "info", "warning", "error"] as const;

export type LogLevel = typeof logLevels[number];
