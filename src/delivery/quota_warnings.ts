import { createHash } from "node:crypto";
import { Spool } from "../blobs/spool.ts";
import type { Hash } from "../lib/ids.ts";
import { formatDate822 } from "../message/date.ts";
import { messageFacts } from "../message/facts.ts";
import { parseMessage } from "../message/parser.ts";
import type { Log } from "../observe/log.ts";
import type { AccountStore } from "../store/accounts.ts";
import type { QuotaStore, QuotaWarning } from "../store/quotas.ts";
import type { Delivery } from "./delivery.ts";

/** WHY: off the delivery path; a warning that comes a minute late is early enough. */
const ROUND_MS = 60_000;

export interface QuotaWarningsOptions {
  readonly quotas: Pick<QuotaStore, "takeWarnings">;
  readonly accounts: Pick<AccountStore, "recipient">;
  readonly delivery: Pick<Delivery, "deliver">;
  readonly spoolDir: string;
  /** Percentages of the limits. */
  readonly warnAt: readonly number[];
  readonly log: Log;
}

/** Tells users by mail, once, that they have reached a percentage of what they may keep. */
export class QuotaWarnings implements AsyncDisposable {
  readonly #options: QuotaWarningsOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #running: Promise<void> | undefined;

  constructor(options: QuotaWarningsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#running ??= this.round().finally(() => this.#running = undefined);
    }, ROUND_MS);
  }

  /** Warns whoever is to be warned; what fails is logged, never thrown. */
  async round(): Promise<void> {
    const { quotas, warnAt, log } = this.#options;
    try {
      for (const warning of await quotas.takeWarnings(warnAt)) await this.#warn(warning);
    } catch (error) {
      log.warning("quota-warnings-failed", { error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #warn({ account, address, percent }: QuotaWarning): Promise<void> {
    const { accounts, delivery, spoolDir, log } = this.#options;
    log.warning("quota-warning", { account, percent });
    const recipient = await accounts.recipient(address);
    if (!recipient) return;
    const receivedAt = new Date();
    const bytes = new TextEncoder().encode(warningText({ address, percent, receivedAt }));
    const spool = new Spool(spoolDir, { expectedBytes: bytes.length });
    try {
      await spool.write(bytes);
      await using spooled = discarding(await spool.finish());
      const deliveryKey = createHash("sha256").update(bytes).digest("hex") as Hash;
      const facts = messageFacts(parseMessage(bytes));
      await delivery.deliver(recipient, { facts, spooled: spooled.value, deliveryKey, receivedAt });
    } catch (error) {
      // WHY: whoever has used up everything cannot get this one either; the log says so.
      log.warning("quota-warning-not-delivered", { account, percent, error });
    } finally {
      await spool.discard();
    }
  }
}

function discarding<T extends { discard(): Promise<void> }>(value: T) {
  return { value, [Symbol.asyncDispose]: () => value.discard() };
}

function warningText(
  { address, percent, receivedAt }: {
    readonly address: string;
    readonly percent: number;
    readonly receivedAt: Date;
  },
): string {
  const domain = address.slice(address.lastIndexOf("@") + 1);
  return [
    `From: Mail service <postmaster@${domain}>`,
    `To: <${address}>`,
    `Subject: Your mailbox is ${percent}% full`,
    `Date: ${formatDate822(receivedAt)}`,
    `Message-ID: <quota.${crypto.randomUUID()}@${domain}>`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "",
    `The mailbox of ${address} has reached ${percent}% of what it may hold.`,
    "When it is full, no more mail can be delivered to it.",
    "Please delete what you no longer need, also from the trash.",
    "",
  ].join("\r\n");
}
