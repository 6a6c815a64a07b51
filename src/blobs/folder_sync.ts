/**
 * fsync of folders, shared: whoever asks while one is under way gets the next, together with all
 * others who asked meanwhile.
 */
export class FolderSync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  /** Resolves when every entry that the folder had at this call is on the disk. */
  sync(folder: string): Promise<void> {
    const next = this.#next.get(folder);
    if (next) return next;
    const promise = this.#after(folder);
    this.#next.set(folder, promise);
    return promise;
  }

  async #after(folder: string): Promise<void> {
    // WHY: one that has begun may have missed the caller's entry; its failure is another's.
    await this.#running.get(folder)?.catch(() => {});
    this.#next.delete(folder);
    const running = fsync(folder);
    this.#running.set(folder, running);
    try {
      await running;
    } finally {
      if (this.#running.get(folder) === running) this.#running.delete(folder);
    }
  }
}

async function fsync(folder: string): Promise<void> {
  using file = await Deno.open(folder);
  await file.sync();
}
