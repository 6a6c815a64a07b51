import assert from "node:assert/strict";
import { type ModelMessage, naiveThreads } from "../imap/thread/naive_threads.ts";
import { threadOf } from "../imap/thread/thread_of.ts";
import { dice } from "../support/dice.ts";

/**
 * Any references: small mailboxes give what the naive algorithm gives, large ones have each message
 * once.
 */
export const target = { name: "thread", run };

const ALGORITHMS = ["ORDEREDSUBJECT", "REFERENCES", "REFS"] as const;
const SMALL = 40;
const LARGE = 20_000;
/** One large mailbox to so many small ones. */
const LARGE_ONE_IN = 200;

async function run(seed: number, untilMs: number): Promise<number> {
  let tried = 0;
  do {
    const random = dice(seed + tried);
    try {
      play(random);
    } catch (error) {
      throw new Error(`seed ${seed + tried}`, { cause: error });
    }
    if (++tried % 20 === 0) await new Promise((resolve) => setTimeout(resolve));
  } while (Date.now() < untilMs);
  return tried;
}

function play(random: (below: number) => number): void {
  const isLarge = random(LARGE_ONE_IN) === 0;
  const messages = mailbox(random, isLarge ? LARGE : random(SMALL) + 1);
  for (const algorithm of ALGORITHMS) {
    const threads = threadOf(algorithm, messages, { piece: 5_000 });
    if (!isLarge) assert.equal(threads, naiveThreads(algorithm, messages));
    const numbers = threads.match(/\d+/g) ?? [];
    assert.equal(numbers.length, messages.length);
    assert.equal(new Set(numbers).size, messages.length);
  }
}

function mailbox(random: (below: number) => number, count: number): ModelMessage[] {
  const ids = random(count) + 1; // few: many messages with the same one
  const references = random(12) + 1;
  const subjects = random(count) + 1;
  const near = random(2) === 0;
  return Array.from({ length: count }, (_, n) => {
    const any = () => `<${near ? n + random(9) - 4 : random(ids)}>`;
    return {
      id: random(10) === 0 ? null : random(3) === 0 ? any() : `<${n}>`,
      references: Array.from({ length: random(references) }, any),
      date: random(count),
      subject: random(3) === 0 ? "" : `${random(subjects)}`,
      isReply: random(2) === 0,
    };
  });
}
