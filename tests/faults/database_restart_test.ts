import { throwawayPostgres } from "../support/postgres.ts";
import type { Roll } from "../support/dice.ts";
import { workThrough } from "./work_through.ts";

/** Longest time without the database. */
const DOWN_MS = 500;
/** A fast stop, an immediate one, and the death of the main process. */
const SIGNALS = ["SIGINT", "SIGQUIT", "SIGKILL"] as const;

for (const durability of ["spool", "database", null]) {
  Deno.test(`the database is restarted during work and cleaning, bodies: ${durability ?? "on disk"}`, async () => {
    // WHY: without, a commit is acknowledged before it is written.
    await using postgres = await throwawayPostgres({ fsync: true });
    const troubles = SIGNALS.map((signal) => async (roll: Roll) => {
      await postgres.stop(signal);
      await new Promise((resolve) => setTimeout(resolve, roll(DOWN_MS)));
      await postgres.start();
    });
    await workThrough({ database: postgres.config, durability, troubles });
  });
}
