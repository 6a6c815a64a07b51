/**
 * Works on items, so many at a time. The first error ends it: what has begun is waited for, nothing
 * else is begun.
 */
export async function parallel<T>(
  items: AsyncIterable<T>,
  jobs: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  let isOver = false;
  const loop = async () => {
    while (!isOver) {
      const { done, value } = await iterator.next();
      if (done) break;
      await work(value);
    }
  };
  const guarded = () =>
    loop().catch((error) => {
      isOver = true;
      throw error;
    });
  try {
    const results = await Promise.allSettled(Array.from({ length: jobs }, guarded));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  } finally {
    await iterator.return?.();
  }
}
