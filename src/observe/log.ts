import { getLogger, type Logger } from "@logtape/logtape";

/**
 * What a log line carries beside its event. An `Error` under the key `error` is written with its
 * stack. Values are redacted by key and cut to size when the line is made (`log_entry.ts`).
 */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Events with fields, never prose: `log.info("delivered", { account, uid })`. Passwords, message
 * bodies and, at level info and above, addresses have no place in a field.
 */
export interface Log {
  /** What one session does; off in production. */
  debug(event: string, fields?: Fields): void;
  /** What an operator wants to see of a healthy server. */
  info(event: string, fields?: Fields): void;
  /** Something is not as it should be and Sora copes. */
  warning(event: string, fields?: Fields): void;
  /** A bug, or something that an operator must look at. */
  error(event: string, fields?: Fields): void;
  /** The same log with these fields on every line: `log.with({ session })`. */
  with(fields: Fields): Log;
}

/**
 * The log of one part of Sora: "imap", "lmtp", "store" and so on. Silent until the isolate's entry
 * point has called `startLogging` (`logging.ts`), so tests need to do nothing.
 */
export function logger(category: string): Log {
  return wrap(getLogger(["sora", category]));
}

function wrap(target: Logger): Log {
  return {
    debug: (event, fields = {}) => target.debug(event, fields),
    info: (event, fields = {}) => target.info(event, fields),
    warning: (event, fields = {}) => target.warning(event, fields),
    error: (event, fields = {}) => target.error(event, fields),
    with: (fields) => wrap(target.with(fields)),
  };
}
