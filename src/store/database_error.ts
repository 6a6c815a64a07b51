import { Refused, unavailable } from "../lib/refused.ts";

/** Thrown by our own connection code when a connection cannot be had or has been given up. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

/** SQLSTATE of a server error; null for anything else. */
export function sqlState(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  const { code } = error;
  // WHY: every SQLSTATE has a digit; "EPIPE" of the socket has five characters, too.
  return typeof code === "string" && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : null;
}

/** True when the statement's transaction is surely rolled back and may simply be run again. */
export function mayRunAgain(error: unknown): boolean {
  const state = sqlState(error);
  return state === "40P01" || state === "40001";
}

/** True when the values of a statement are to blame, so that the same values will fail again. */
export function isDataError(error: unknown): boolean {
  const state = sqlState(error) ?? "";
  return ["21", "22", "23", "54"].includes(state.slice(0, 2));
}

/** True when the connection must not be used any more. */
export function breaksConnection(error: unknown): boolean {
  const state = sqlState(error);
  if (state === null) return !(error instanceof Refused);
  return BREAKING_STATES.has(state) || state.startsWith("08") || state.startsWith("57P");
}

/**
 * WHY: 25006: this is (now) a standby; 0A000: a cached plan after a migration; 26000 and 42P05:
 * prepared statements were mixed up by a pooler. A new connection helps in all four cases.
 */
const BREAKING_STATES: ReadonlySet<string> = new Set(["25006", "0A000", "26000", "42P05"]);

/**
 * What callers get to see: trouble of the infrastructure becomes `unavailable("database")`, all the
 * rest (a refusal, broken data, a bug) stays what it is.
 */
export function translate(error: unknown): unknown {
  if (error instanceof Refused) return error;
  const state = sqlState(error);
  if (state === OVER_QUOTA) return new Refused({ kind: "over-quota" }, { cause: error });
  if (state !== null) return isInfrastructure(state) ? unavailable("database", error) : error;
  return isConnectionTrouble(error) ? unavailable("database", error) : error;
}

/** Raised by our own `within_quota`. */
const OVER_QUOTA = "SQ001";

/** 08 connection, 28 login, 40 rollback, 53 resources, 57 operator, 58 system, 55P03 lock timeout. */
function isInfrastructure(state: string): boolean {
  if (BREAKING_STATES.has(state) || state === "55P03" || state === "3D000") return true;
  return ["08", "28", "40", "53", "57", "58", "XX"].includes(state.slice(0, 2));
}

function isConnectionTrouble(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  if (!(error instanceof Error)) return false;
  if ("code" in error && typeof error.code === "string" && error.code.startsWith("E")) return true;
  return TROUBLE.test(error.message);
}

/** How the driver says that there is no connection, or no longer one. */
const TROUBLE =
  /connection (?:terminated|error|ended)|not queryable|client (?:was closed|has already|has encountered)|timeout (?:expired|exceeded)|socket|server does not support SSL|certificate|self.signed/i;
