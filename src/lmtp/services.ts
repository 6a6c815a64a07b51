import type { Delivery } from "../delivery/delivery.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Recipient } from "../store/accounts.ts";

/** Everything that LMTP sessions share. */
export interface LmtpServices {
  /** An AccountStore; only this much of it is needed. */
  readonly accounts: { recipient(address: string): Promise<Recipient | null> };
  /** A Delivery; only this much of it is needed. */
  readonly delivery: Pick<Delivery, "deliver">;
  /** Where large messages wait while they come in; on the file system of the bodies, if possible. */
  readonly spoolDir: string;
  /** Aborted when the server shuts down: no new transactions. */
  readonly draining: AbortSignal;
  readonly log: Log;
  readonly metrics: Metrics;
}
