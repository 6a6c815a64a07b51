import type { Roll } from "../support/dice.ts";
import { type ThrowawayPostgres, throwawayPostgres } from "../support/postgres.ts";
import { standbyOf } from "../support/standby.ts";
import { workThrough } from "./work_through.ts";

/** Longest time without any primary. */
const HEADLESS_MS = 500;

/** How the primary ends, for each way in which bodies are stored. */
const cases = [
  { durability: "spool", end: "kill -9 of all its processes", stop: crash },
  { durability: "database", end: "an immediate stop", stop: stopBy("SIGQUIT") },
  { durability: "stored", end: "a fast stop", stop: stopBy("SIGINT") },
] as const;

for (const { durability, end, stop } of cases) {
  Deno.test(`failover to a promoted standby during uploads and cleaning, ${end}, durability ${durability}`, async () => {
    await using primary = await throwawayPostgres();
    const { write } = primary.config;
    await using standby = await standbyOf(write);
    const hosts = [...write.hosts, ...standby.endpoint.hosts];
    const database = { ...primary.config, write: { ...write, hosts } };
    const failover = async (roll: Roll) => {
      await stop(primary);
      await new Promise((resolve) => setTimeout(resolve, roll(HEADLESS_MS)));
      await standby.promote();
    };
    await workThrough({ database, durability, troubles: [failover] });
  });
}

/** As when its machine loses its power. */
async function crash(primary: ThrowawayPostgres): Promise<void> {
  const { pid } = primary;
  const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  for (const each of [pid, ...children.trim().split(" ").map(Number)]) {
    try {
      Deno.kill(each, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  await primary.stop();
}

function stopBy(signal: "SIGINT" | "SIGQUIT"): (primary: ThrowawayPostgres) => Promise<void> {
  return (primary) => primary.stop(signal);
}
