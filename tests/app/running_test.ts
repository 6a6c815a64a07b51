import assert from "node:assert/strict";
import { LineClient } from "../support/line_client.ts";
import { startServer, type TestServer } from "../support/server.ts";

/** The text after a metric's name and labels, as a number; 0 where there is no such series. */
function metric(text: string, start: string): number {
  const line = text.split("\n").find((each) => each.startsWith(start));
  return Number(line?.split(" ").at(-1) ?? 0);
}

async function scrape(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.equal(response.status, 200);
  return await response.text();
}

/** Waits until the server has printed something that matches. */
async function said({ output }: TestServer, pattern: RegExp): Promise<void> {
  for (let i = 0; i < 1_000; i++) {
    if (pattern.test(output())) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`no ${pattern} in:\n${output()}`);
}

Deno.test("two workers share the ports, the limits and one set of metrics", async () => {
  await using server = await startServer({ workers: 2, imap: "max_connections = 24" });
  await said(server, / supervisor started /); // Both workers serve.
  // The connections that found out whether it has started are over.
  const open = 'sora_connections_current{protocol="imap"';
  for (let i = 0; i < 500 && metric(await scrape(server.metricsPort), open) > 0; i++);
  using clients = new DisposableStack();
  const isolates = new Set<string>();
  for (let i = 0; i < 24; i++) {
    const client = clients.use(await LineClient.dial(server.imapPort));
    assert.match(await client.line(), /^\* OK /);
    await client.send("a NOOP\r\n");
    assert.match(await client.line(), /^a OK /);
  }
  const refused = clients.use(await LineClient.dial(server.imapPort));
  assert.match(await refused.line(), /^\* BYE /);
  const noops = 'sora_commands_total{protocol="imap",command="NOOP",status="ok"';
  // WHY again and again: a command is counted when its reply is on its way, maybe here already.
  let text = await scrape(server.metricsPort);
  for (let i = 0; i < 500 && metric(text, noops) < 24; i++) text = await scrape(server.metricsPort);
  assert.equal(metric(text, noops), 24);
  assert.equal(metric(text, open), 24);
  assert.equal(metric(text, "sora_workers_current"), 2);
  assert.equal(metric(text, 'sora_connections_refused_total{protocol="imap"'), 1);
  for (const [, isolate] of text.matchAll(/sora_isolate_heap_bytes\{isolate="([^"]+)"/g)) {
    isolates.add(isolate ?? "");
  }
  assert.deepEqual([...isolates].sort(), ["supervisor", "worker-1", "worker-2"]);
  assert.ok(metric(text, "sora_process_resident_memory_bytes") > 2e7);
  assert.ok(metric(text, "sora_db_queries_total") > 0, "the database is not counted");
  const health = await fetch(`http://127.0.0.1:${server.metricsPort}/health`);
  assert.deepEqual([health.status, await health.text()], [200, "ok\n"]);
  clients.dispose();
  assert.equal(await server.stop(), 0);
});

Deno.test("SIGHUP changes the log level of all isolates and says what needs a restart", async () => {
  await using server = await startServer({ extra: `[logging]\nlevel = "warning"\n` });
  const { configFile, pid, imapPort } = server;
  const config = await Deno.readTextFile(configFile);
  assert.ok(!server.output().includes("listening"));

  await Deno.writeTextFile(
    configFile,
    config.replace(`"warning"`, `"debug"`).replace("workers = 1", "workers = 2"),
  );
  Deno.kill(pid, "SIGHUP");
  await said(server, /supervisor reloaded level=debug\n/);
  await said(server, /supervisor restart-needed changed=\["runtime\.workers"\]\n/);
  using client = await LineClient.dial(imapPort);
  await client.line();
  await client.send("a LOGIN nobody@example.org wrong-password\r\n");
  await said(server, / INFO +auth login-refused session=\w+ /);
  assert.ok(!server.output().includes("wrong-password"));

  await Deno.writeTextFile(configFile, "nonsense = 1\n");
  Deno.kill(pid, "SIGHUP");
  await said(server, /config-problem problem=.*nonsense/);
  await said(server, /reload-failed/);
  assert.equal(await server.stop(), 0);
});
