import { removeDataDir, startServer } from "../support/server.ts";
import { type Figure, median } from "./report.ts";

/** From `exec` to a greeting on the IMAP port: a first start, then starts on what it left. */
export async function startBench(): Promise<Figure[]> {
  const dataDir = await Deno.makeTempDir({ prefix: "sora-bench-start-" });
  await Deno.chmod(dataDir, 0o755);
  try {
    const first = await timeStart(dataDir);
    const again: number[] = [];
    for (let i = 0; i < 5; i++) again.push(await timeStart(dataDir));
    return [
      { name: "first start to listening", value: first, unit: "s", target: ["<=", 6] },
      {
        name: "start on an existing data folder",
        value: median(again),
        unit: "s",
        target: ["<=", 1.5],
      },
    ];
  } finally {
    await removeDataDir(dataDir);
  }
}

async function timeStart(dataDir: string): Promise<number> {
  const from = performance.now();
  await using _server = await startServer({ dataDir });
  return (performance.now() - from) / 1000;
}
