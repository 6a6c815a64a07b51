import { printable } from "./printable.ts";
import type { Terminal } from "./terminal.ts";

/** Between two looks of the bar. */
const BAR_MS = 100;
/** Between two lines where nobody looks. */
const LINE_MS = 10_000;
const BAR_WIDTH = 24;
const LINE_WIDTH = 79;
/** The rate is that of the last so many milliseconds, roughly. */
const RATE_MS = 5_000;

/**
 * How far a long command is, on the standard error output: a bar with rate and time left for who looks
 * at it, else a line now and then.
 */
export class Progress {
  readonly #terminal: Pick<Terminal, "err" | "showsProgress">;
  readonly #total: number;
  readonly #now: () => number;
  #done = 0;
  #shownAt: number;
  #markedAt: number;
  #marked = 0;
  #perSecond = 0;
  #isBarShown = false;

  /** `now`: in milliseconds. */
  constructor(
    terminal: Pick<Terminal, "err" | "showsProgress">,
    { total, now = () => performance.now() }: {
      readonly total: number;
      readonly now?: () => number;
    },
  ) {
    this.#terminal = terminal;
    this.#total = total;
    this.#now = now;
    this.#shownAt = this.#markedAt = now();
  }

  /** So many messages more are dealt with. */
  step(mailbox: string, messages: number): void {
    this.#done += messages;
    const now = this.#now();
    const isDue = now - this.#shownAt >= (this.#terminal.showsProgress ? BAR_MS : LINE_MS);
    if (!isDue) return;
    this.#measure(now);
    this.#shownAt = now;
    if (this.#terminal.showsProgress) this.#bar(mailbox);
    else this.#terminal.err(`${this.#figures().join(", ")}: ${printable(mailbox)}\n`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#isBarShown) this.#terminal.err("\r\x1b[K");
    this.#isBarShown = false;
  }

  #measure(now: number): void {
    const seconds = (now - this.#markedAt) / 1000;
    if (seconds <= 0) return;
    this.#perSecond = (this.#done - this.#marked) / seconds;
    if (now - this.#markedAt < RATE_MS) return;
    this.#markedAt = now;
    this.#marked = this.#done;
  }

  #bar(mailbox: string): void {
    const share = this.#total > 0 ? Math.min(1, this.#done / this.#total) : 0;
    const full = Math.round(share * BAR_WIDTH);
    const bar = `[${"#".repeat(full)}${"-".repeat(BAR_WIDTH - full)}]`;
    const percent = `${Math.floor(share * 100)}%`.padStart(4);
    const line = [bar + percent, ...this.#figures(), printable(mailbox)].join("  ");
    this.#terminal.err(`\r${line.slice(0, LINE_WIDTH)}\x1b[K`);
    this.#isBarShown = true;
  }

  /** "9000/20000", "812/s", "0:14 left". */
  #figures(): string[] {
    const left = Math.max(0, this.#total - this.#done);
    const rate = Math.round(this.#perSecond);
    const time = this.#perSecond > 0 ? [`${clock(left / this.#perSecond)} left`] : [];
    return [`${this.#done}/${this.#total}`, `${rate}/s`, ...time];
  }
}

/** "1:02:03" or "2:03". */
function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}
