import { kill } from "node:process";
import { delay } from "../../lib/delay.ts";
import type { Binaries } from "./binaries.ts";
import type { Owner } from "./owner.ts";

/** How often a state that no one announces is looked at, ms. */
const POLL_MS = 5;
/** Of what a failed program said, in an error's text. */
const OUTPUT_MAX = 2000;

/** A program of PostgreSQL, as its user, in an environment without surprises. */
export function command(
  { binaries, owner, cwd }: {
    binaries: Pick<Binaries, "bin" | "environment">;
    owner: Owner | undefined;
    cwd: string;
  },
  name: string,
  args: readonly string[],
): [string, Deno.CommandOptions] {
  return [`${binaries.bin}/${name}`, {
    args: [...args],
    // WHY: programs of another user must not be started in a folder which that user cannot read.
    cwd,
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C", ...binaries.environment },
    stdin: "null",
    ...owner,
  }];
}

/** Runs a program to its end and gives what it printed. @throws {Error} with its own words */
export async function run(file: string, options: Deno.CommandOptions): Promise<string> {
  const output = await new Deno.Command(file, { ...options, stdout: "piped", stderr: "piped" })
    .output();
  const decoder = new TextDecoder();
  if (output.success) return decoder.decode(output.stdout).trim();
  const said = tail(decoder.decode(output.stderr) || decoder.decode(output.stdout));
  throw new Error(`Cannot run ${file}: exit code ${output.code}: ${said}`);
}

/** The end of a text, where programs say why they gave up. */
export function tail(text: string): string {
  return text.trim().slice(-OUTPUT_MAX);
}

/** True while there is a process of that number which is not a zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    kill(pid, 0);
  } catch (error) {
    // Anything but "no such process" means that there is one, of another user.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
  if (Deno.build.os !== "linux") return true;
  // WHY "Z" without a file: a zombie may be waited for, and gone, between the two looks.
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => ") Z ");
  return !/\) Z /.test(stat);
}

/** Polls until `check` gives something else than undefined, or for `boundMs`. */
export async function until<T>(
  boundMs: number,
  check: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const end = performance.now() + boundMs;
  for (;;) {
    const found = await check();
    if (found !== undefined || performance.now() > end) return found;
    await delay(POLL_MS);
  }
}
