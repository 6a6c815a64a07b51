import { Refused } from "../../lib/refused.ts";
import { sharedTicker, type Timed } from "../../net/ticker.ts";
import { command } from "../command.ts";
import type { Replies } from "../replies.ts";
import type { View } from "../view/view.ts";
import { WireError } from "../wire/wire_error.ts";

/** WHY: many NATs forget a silent connection after some minutes; a dead client shows itself too. */
const KEEPALIVE_MS = 120_000;

/** IDLE: RFC 2177. Ends when the client says DONE, and without a reply when it leaves. */
export const idle = command("IDLE", {
  states: ["authenticated", "selected"],
  capability: "IDLE",
  parse: () => null,
  async execute(_args, { session, services: { metrics }, reply, nextLine, isNotifying }) {
    reply.continuation("idling");
    // RFC 5465 §4: whoever uses NOTIFY hears just that, here too.
    const view = session.state === "selected" && !isNotifying ? session.view : null;
    const announcer = new Announcer(reply, view);
    metrics.imapIdleConnectionsCurrent.inc();
    announcer.start();
    try {
      const line = await Promise.race([nextLine(), announcer.failed]);
      if (line.toUpperCase() !== "DONE") throw WireError.because("Expected DONE");
    } finally {
      metrics.imapIdleConnectionsCurrent.dec();
      await announcer.stop();
    }
  },
});

/** Tells one idling client what happens, one `tell` at a time, and now and then that we live. */
class Announcer implements Timed {
  readonly #reply: Replies;
  readonly #view: View | null;
  readonly #failure = Promise.withResolvers<never>();
  #stopListening = () => {};
  #telling: Promise<void> | undefined;
  #again = false;
  #silentSinceMs = sharedTicker.now;

  constructor(reply: Replies, view: View | null) {
    this.#reply = reply;
    this.#view = view;
    this.#failure.promise.catch(() => {}); // WHY: it is awaited in a race that may be over.
  }

  /** Rejects when the view cannot be kept true any more. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  start(): void {
    sharedTicker.watch(this);
    this.#silentSinceMs = sharedTicker.now;
    this.#stopListening = this.#view?.onChange(() => this.#news()) ?? (() => {});
    this.#view?.recheck();
    this.#news();
  }

  async stop(): Promise<void> {
    sharedTicker.unwatch(this);
    this.#stopListening();
    this.#again = false;
    await this.#telling;
  }

  tick(nowMs: number): void {
    if (nowMs - this.#silentSinceMs < KEEPALIVE_MS) return;
    this.#silentSinceMs = nowMs;
    this.#reply.untagged("OK Still here");
    this.#news(); // WHY: what a database in trouble could not say is said when it is back.
  }

  #news(): void {
    this.#again = true;
    this.#telling ??= this.#tell().finally(() => this.#telling = undefined);
  }

  async #tell(): Promise<void> {
    try {
      while (this.#again && this.#view) {
        this.#again = false;
        await this.#view.tell(this.#reply, { expunges: true, unasked: true });
      }
    } catch (error) {
      if (error instanceof Refused && error.refusal.kind === "unavailable") return;
      this.#failure.reject(error);
    }
  }
}
