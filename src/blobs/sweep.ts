/** WHY: a delivery is over in minutes; what is older was left behind by a crash. */
const LEFTOVER_AGE_MS = 24 * 3_600_000;

/**
 * Removes files that a crash left in a spool folder or in the temporary folder of DiskBlobs, once
 * they are a day old; other workers and nodes may be writing the younger ones. Returns how many went.
 */
export async function sweepLeftovers(folder: string, now: number = Date.now()): Promise<number> {
  let removed = 0;
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (!entry.isFile) continue;
      const path = `${folder}/${entry.name}`;
      const { mtime } = await Deno.stat(path);
      if (!mtime || now - mtime.getTime() < LEFTOVER_AGE_MS) continue;
      await Deno.remove(path);
      removed++;
    }
  } catch (error) {
    // WHY: the folder is made by its first user, and another worker may sweep at the same time.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return removed;
}
