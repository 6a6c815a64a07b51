import type { Spooled } from "./spool.ts";

/** Writes a body to a new file, or gives its spool file that name, too; the file is not on the disk yet. */
export async function writeBody(body: Spooled, path: string): Promise<Deno.FsFile> {
  return await linked(body, path) ?? await written(body, path);
}

async function written(body: Spooled, path: string): Promise<Deno.FsFile> {
  const file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  try {
    let length = 0;
    for await (const chunk of body.bytes ? [body.bytes] : body.chunks()) {
      await writeAll(file, chunk);
      length += chunk.length;
    }
    if (length !== body.sizeBytes) throw new Error("Cannot store a body of another size");
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The spool file itself under another name, where the two folders share a file system. */
async function linked(body: Spooled, path: string): Promise<Deno.FsFile | null> {
  if (body.path === null) return null;
  try {
    await Deno.link(body.path, path);
  } catch {
    return null;
  }
  const file = await Deno.open(path, { read: true, write: true });
  await file.utime(new Date(), new Date()); // WHY: put now, however old the spool file is.
  if (file.statSync().size === body.sizeBytes) return file;
  file.close();
  throw new Error("Cannot store a body of another size");
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
