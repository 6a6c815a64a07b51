import assert from "node:assert/strict";
import type { MetricsServerConfig } from "../../src/config/config.ts";
import { metricsApp, type MetricsAppOptions } from "../../src/http/metrics_app.ts";

const config: MetricsServerConfig = {
  type: "metrics",
  name: "metrics",
  addr: { host: "127.0.0.1", port: 0 },
  path: "/metrics",
  apiKey: null,
  allowedHosts: [],
};

interface Asked {
  readonly from?: string;
  readonly path?: string;
  readonly method?: string;
  readonly authorization?: string;
}

/** One request to an app with these settings. */
async function ask(settings: Partial<MetricsServerConfig>, asked: Asked = {}): Promise<Response> {
  const app = metricsApp(options(settings));
  return await request(app, asked);
}

function options(settings: Partial<MetricsServerConfig>): MetricsAppOptions {
  return {
    config: { ...config, ...settings },
    collect: () => Promise.resolve("sora_up 1\n"),
    healthy: () => Promise.resolve(true),
  };
}

async function request(app: ReturnType<typeof metricsApp>, asked: Asked): Promise<Response> {
  const { from = "127.0.0.1", path = "/metrics", method = "GET", authorization } = asked;
  const headers = new Headers(authorization === undefined ? {} : { authorization });
  return await app.fetch(new Request(`http://sora${path}`, { method, headers }), {
    remoteAddr: { transport: "tcp", hostname: from, port: 1 },
  });
}

Deno.test("metricsApp() answers Prometheus in its text format", async () => {
  const response = await ask({});
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  assert.equal(await response.text(), "sora_up 1\n");
});

Deno.test("metricsApp() serves the configured path and nothing else", async () => {
  const cases: [Asked, number][] = [
    [{ path: "/numbers" }, 200],
    [{ path: "/metrics" }, 404],
    [{ path: "/" }, 404],
    [{ path: "/numbers/.." }, 404],
    [{ path: "/numbers", method: "POST" }, 404],
    [{ path: "/numbers", method: "HEAD" }, 200],
  ];
  for (const [asked, status] of cases) {
    assert.equal((await ask({ path: "/numbers" }, asked)).status, status, JSON.stringify(asked));
  }
});

Deno.test("metricsApp() wants the bearer token where one is configured", async () => {
  const cases: [string | undefined, number][] = [
    [undefined, 401],
    ["", 401],
    ["Bearer", 401],
    ["Bearer wrong", 401],
    ["Bearer key with space", 401],
    ["Basic key", 401],
    ["Bearer keyy", 401],
    ["Bearer key", 200],
    ["bearer key", 200],
  ];
  for (const [authorization, status] of cases) {
    const asked = authorization === undefined ? {} : { authorization };
    const response = await ask({ apiKey: "key" }, asked);
    assert.equal(response.status, status, authorization ?? "none");
    assert.equal((await response.text()).includes("sora_up"), status === 200);
  }
});

Deno.test("metricsApp() answers only allowed hosts, an IPv4-mapped one as IPv4", async () => {
  const allowedHosts = ["10.0.0.0/8", "::1"];
  const cases: [string, number][] = [
    ["10.1.2.3", 200],
    ["::ffff:10.1.2.3", 200],
    ["::1", 200],
    ["127.0.0.1", 403],
    ["::ffff:11.1.2.3", 403],
  ];
  for (const [from, status] of cases) {
    assert.equal((await ask({ allowedHosts }, { from })).status, status, from);
    assert.equal((await ask({ allowedHosts }, { from, path: "/health" })).status, status, from);
  }
});

Deno.test("metricsApp() tells health without a token", async () => {
  assert.equal((await ask({ apiKey: "key" }, { path: "/health" })).status, 200);
  const app = metricsApp({ ...options({}), healthy: () => Promise.resolve(false) });
  assert.equal((await request(app, { path: "/health" })).status, 503);
});

Deno.test("metricsApp() collects once for scrapes at the same time", async () => {
  let collected = 0;
  const gate = Promise.withResolvers<string>();
  const app = metricsApp({
    ...options({}),
    collect: () => {
      collected++;
      return gate.promise;
    },
  });
  const scrapes = [request(app, {}), request(app, {}), request(app, {})];
  await Promise.resolve();
  gate.resolve("x\n");
  for (const response of await Promise.all(scrapes)) assert.equal(await response.text(), "x\n");
  assert.equal(collected, 1);
});
