const LONGEST_MS = 60_000;
const PAUSE_MS = 20;

/** Resolves when something is so, looking again and again; throws with `what` when it never is. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + LONGEST_MS; performance.now() < end;) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`Not within a minute: ${what}`);
}
