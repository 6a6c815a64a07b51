import assert from "node:assert/strict";
import { Metrics } from "../../src/observe/metrics.ts";
import { StallMonitor } from "../../src/observe/stall_monitor.ts";
import { sumMetrics } from "../../src/observe/sum_metrics.ts";
import type { Log } from "../../src/observe/log.ts";

Deno.test("every family has the prefix sora_ and none has the label ip", async () => {
  const families = await new Metrics().registry.getMetricsAsArray();
  assert.ok(families.length > 30);
  for (const family of families) {
    assert.match(family.name, /^sora_[a-z0-9_]+$/);
    assert.ok(family.help.endsWith("."), family.name);
    const labels: unknown = "labelNames" in family ? family.labelNames : undefined;
    assert.ok(Array.isArray(labels), family.name);
    assert.ok(!labels.includes("ip"), family.name);
  }
});

Deno.test("sumMetrics() adds counters, gauges and histograms of several isolates", async () => {
  const workers = [new Metrics(), new Metrics()];
  for (const [index, metrics] of workers.entries()) {
    metrics.commandsTotal.inc({ protocol: "imap", command: "NOOP", status: "ok" }, index + 1);
    metrics.connectionsCurrent.set({ protocol: "imap", server_name: "imap" }, 10 * (index + 1));
    metrics.commandDuration.observe({ protocol: "imap", command: "NOOP" }, 0.002 * (index + 1));
  }
  workers[1]?.commandsTotal.inc({ protocol: "lmtp", command: "QUIT", status: "2xx" });
  const snapshots = await Promise.all(workers.map(({ registry }) => registry.getMetricsAsJSON()));
  const text = await sumMetrics(structuredClone(snapshots), { hostname: "h1" });
  const lines = text.split("\n");
  const value = (start: string): string | undefined =>
    lines.find((line) => line.startsWith(`${start},hostname="h1"}`))?.split(" ")[1];
  assert.equal(
    value('sora_commands_total{protocol="imap",command="NOOP",status="ok"'),
    "3",
  );
  assert.equal(value('sora_commands_total{protocol="lmtp",command="QUIT",status="2xx"'), "1");
  assert.equal(value('sora_connections_current{protocol="imap",server_name="imap"'), "30");
  assert.equal(value('sora_command_duration_seconds_count{protocol="imap",command="NOOP"'), "2");
  const bucket = lines.find((line) =>
    line.startsWith("sora_command_duration_seconds_bucket") && line.includes('le="0.0025"')
  );
  assert.ok(bucket?.endsWith(" 1"), bucket ?? "no bucket");
});

Deno.test("sumMetrics() of nothing is no text", async () => {
  assert.equal((await sumMetrics([])).trim(), "");
});

Deno.test("StallMonitor counts late ticks and warns at most once a second", async () => {
  const warnings: unknown[] = [];
  const log: Log = {
    debug() {},
    info() {},
    error() {},
    warning: (event, fields) => void warnings.push([event, fields]),
    with: () => log,
  };
  const metrics = new Metrics();
  using monitor = new StallMonitor({ isolate: "test", log, metrics });
  let now = performance.now() + 1_000; // Its own first tick is far from due.
  monitor.tick(now); // Late by nearly a second.
  monitor.tick(now += 20); // In time.
  monitor.tick(now += 69); // Late by 49 ms: no stall.
  monitor.tick(now += 120); // Late by 100 ms: a stall, but too soon for a second warning.
  monitor.tick(now += 2_020); // Late by two seconds.
  assert.equal(warnings.length, 2);
  assert.deepEqual(warnings[1], ["event-loop-stall", { isolate: "test", ms: 2000 }]);
  const text = await metrics.registry.metrics();
  assert.match(text, /sora_event_loop_stall_seconds_count\{isolate="test"\} 3\n/);
  assert.match(
    text,
    /sora_event_loop_stall_max_seconds\{isolate="test"\} (2|2\.0000\d+|1\.9999\d+)\n/,
  );
});
