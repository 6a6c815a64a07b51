import { sharedTicker } from "../net/ticker.ts";
import { isDisabled } from "./capability_config.ts";
import type { ImapServices } from "./services.ts";
import type { Replies } from "./replies.ts";
import { renderQuoted } from "./wire/quote.ts";

/** RFC 9585 §4: often enough to be a sign of life, seldom enough to be no burden. */
const INTERVAL_MS = 10_000;

/** Tells a client how far a long command is: RFC 9585. One for each command. */
export class Progress {
  readonly #reply: Replies;
  readonly #tag: string;
  readonly #isOn: boolean;
  #toldAtMs = sharedTicker.now;

  constructor(
    { reply, tag, services: { config } }: {
      readonly reply: Replies;
      readonly tag: string;
      readonly services: Pick<ImapServices, "config">;
    },
  ) {
    this.#reply = reply;
    this.#tag = tag;
    this.#isOn = !isDisabled("INPROGRESS", config);
  }

  /** So much of `total` is done; says so when nothing has been said for a while. */
  report(done: number, total: number): void {
    const now = sharedTicker.now;
    if (!this.#isOn || now - this.#toldAtMs < INTERVAL_MS) return;
    this.#toldAtMs = now;
    const goal = total > 0 && done <= total ? ` ${total}` : "";
    this.#reply.untagged(
      `OK [INPROGRESS (${renderQuoted(this.#tag)} ${done}${goal || " NIL"})] Still working`,
    );
  }
}
