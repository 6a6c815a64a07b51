/**
 * `deno task test [arguments of deno test]`: starts one PostgreSQL for the whole run, runs the tests
 * against it and stops it. Its exit code and its last line on stdout are those of `deno test`.
 */
import { logger } from "../../src/observe/log.ts";
import { SERVER_VARIABLE, sharedServerOptions, urlOf } from "./test_server.ts";
import { startEmbeddedPostgres } from "../../src/store/embedded_postgres.ts";

const FLAGS = [
  "--allow-all",
  "--parallel",
  "--unstable-net",
  "--unstable-worker-options",
  "--sanitize-ops",
  "--sanitize-resources",
];

Deno.exitCode = Deno.env.has(SERVER_VARIABLE) ? await runTests({}) : await withServer(runTests);

async function withServer(run: (env: Record<string, string>) => Promise<number>): Promise<number> {
  const dataDir = await Deno.makeTempDir({ prefix: "sora-test-" });
  try {
    await using server = await startEmbeddedPostgres({
      ...sharedServerOptions(),
      dataDir,
      log: logger("test"),
    });
    return await run({ [SERVER_VARIABLE]: urlOf(server.endpoint) });
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function runTests(env: Record<string, string>): Promise<number> {
  const paths = Deno.args.some((arg) => /^tests\b|_test\.ts$/.test(arg)) ? [] : ["tests/"];
  const test = new Deno.Command(Deno.execPath(), {
    args: ["test", ...FLAGS, ...Deno.args, ...paths],
    env,
  }).spawn();
  // WHY: Ctrl-C reaches deno test by itself; this process only has to live on to stop the server.
  const stay = () => {};
  const pass = () => test.kill("SIGTERM");
  Deno.addSignalListener("SIGINT", stay);
  Deno.addSignalListener("SIGTERM", pass);
  const { code } = await test.status;
  Deno.removeSignalListener("SIGINT", stay);
  Deno.removeSignalListener("SIGTERM", pass);
  return code;
}
