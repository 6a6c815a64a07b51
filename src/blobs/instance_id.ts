/** Name of its file in the data folder. */
const FILE = "instance-id";

/**
 * Who this installation is to the others: made at the first start, kept in the data folder, the same
 * whatever the machine or the node is called. Also for `sora-admin`, which stages bodies as well.
 */
export async function instanceIdOf(dataDir: string): Promise<string> {
  const path = `${dataDir}/${FILE}`;
  for (;;) {
    const known = (await Deno.readTextFile(path).catch(ignoreMissing))?.trim();
    if (known) return known;
    const temporary = `${path}.${crypto.randomUUID()}`;
    {
      using file = await Deno.open(temporary, { write: true, createNew: true, mode: 0o644 });
      await file.write(new TextEncoder().encode(`${crypto.randomUUID()}\n`));
      await file.sync();
    }
    // WHY a link: of two that make one at the same time, only the first is it.
    await Deno.link(temporary, path).catch(async (error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) await Deno.rename(temporary, path);
    });
    await Deno.remove(temporary).catch(ignoreMissing);
    using folder = await Deno.open(dataDir);
    await folder.sync();
  }
}

function ignoreMissing(error: unknown): null {
  if (error instanceof Deno.errors.NotFound) return null;
  throw error;
}
