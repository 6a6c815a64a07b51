import { main } from "../../src/admin/main.ts";
import type { Terminal } from "../../src/admin/terminal.ts";

/** What a command left behind. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs sora-admin on a played terminal: nobody sits at it unless `terminal` says so. */
export async function run(args: readonly string[], terminal: Partial<Terminal> = {}): Promise<Ran> {
  let out = "";
  let err = "";
  const code = await main(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readInput: () => Promise.resolve(""),
    isInteractive: false,
    showsProgress: false,
    askPassword: () => Promise.resolve(null),
    env: {},
    ...terminal,
  });
  return { code, out, err };
}
