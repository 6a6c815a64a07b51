import { parseArgs } from "node:util";
import { target as append } from "./append.ts";
import { target as compress } from "./compress.ts";
import { target as imap } from "./imap.ts";
import { target as lmtp } from "./lmtp.ts";
import { target as mailFiles } from "./mail_files.ts";
import { target as message } from "./message.ts";
import { target as thread } from "./thread.ts";

/** One thing to fuzz: runs from a seed until a deadline and throws on the first broken rule. */
export interface FuzzTarget {
  readonly name: string;
  /** Returns how many inputs were tried; `untilMs` is a `Date.now()` time. */
  run(seed: number, untilMs: number): Promise<number>;
}

export const targets: readonly FuzzTarget[] = [
  message,
  imap,
  append,
  compress,
  lmtp,
  thread,
  mailFiles,
];

/** `deno task fuzz --seed 7 --minutes 60 --target imap`: hours on demand, seconds inside the tests. */
async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      minutes: { type: "string", default: "1" },
      target: { type: "string" },
    },
  });
  const chosen = targets.filter((t) => values.target === undefined || t.name === values.target);
  const eachMs = (Number(values.minutes) * 60_000) / Math.max(1, chosen.length);
  for (const target of chosen) {
    say(`${target.name}: seed ${values.seed}`);
    const tried = await target.run(Number(values.seed), Date.now() + eachMs);
    say(`${target.name}: ${tried} inputs, nothing broken`);
  }
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) await main(Deno.args);
