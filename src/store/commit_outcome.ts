import { delay } from "../lib/delay.ts";
import type { Connection } from "./connection.ts";

/** WHY: a server that lost our connection notices it within its own timeouts, at worst not at all. */
const ASK_MS = 10_000;
/** Between two questions about a transaction that is still going on. */
const PAUSE_MS = 50;

/**
 * Whether a transaction whose COMMIT was never answered took effect; null when that cannot be known.
 * `witnesses` were open before it began. WHY: only the server can tell, and only while it has not
 * crashed: after a crash the id may be another transaction's. A connection that has lived through it
 * all is the proof.
 */
export async function wasCommitted(
  transaction: string,
  witnesses: readonly Connection[],
): Promise<boolean | null> {
  const until = performance.now() + ASK_MS;
  for (const witness of witnesses) {
    try {
      for (;;) {
        const status = await ask(witness, transaction);
        if (status === "committed") return true;
        if (status === "aborted") return false;
        if (status === null || performance.now() >= until) return null;
        await delay(PAUSE_MS);
      }
    } catch {
      continue; // WHY: it is lost, too; the next one may live.
    }
  }
  return null;
}

type Status = "committed" | "aborted" | "in progress" | null;

async function ask(witness: Connection, transaction: string): Promise<Status> {
  const [row] = await witness.run<{ status: Status }>({
    text: "SELECT pg_xact_status($1::xid8) AS status",
    values: [transaction],
  });
  return row?.status ?? null;
}
