/** `sora_child.ts DATA-DIR SOURCE|-`: takes the lock, runs the server unless "-", waits to be killed. */
import { logger } from "../../src/observe/log.ts";
import { lockDataDir } from "../../src/store/data_lock.ts";
import { startEmbeddedPostgres } from "../../src/store/embedded_postgres.ts";

const [dataDir = "", source = "auto"] = Deno.args;
using _lock = await lockDataDir(dataDir);
const server = source === "-"
  ? null
  : await startEmbeddedPostgres({ dataDir, source, log: logger("test") });
const told = { postgresPid: server?.pid ?? 0, version: server?.version ?? "" };
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(told) + "\n"));
setInterval(() => {}, 1000);
await new Promise(() => {});
