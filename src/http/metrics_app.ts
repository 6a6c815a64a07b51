import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import type { MetricsServerConfig } from "../config/config.ts";
import { unmapped } from "../net/endpoint.ts";
import { Networks } from "../limits/networks.ts";
import { METRICS_TYPE } from "../observe/sum_metrics.ts";

export interface MetricsAppOptions {
  readonly config: MetricsServerConfig;
  /** The numbers of all isolates as Prometheus text. */
  readonly collect: () => Promise<string>;
  /** Whether mail can be served. */
  readonly healthy: () => Promise<boolean>;
}

/** What `Deno.serve` tells of a request beside the request. */
interface Environment {
  readonly Bindings: { readonly remoteAddr: Deno.Addr };
}

/**
 * GET `config.path` for Prometheus, with the bearer token if one is configured, and GET /health
 * (200 or 503) for whoever watches the process. Nothing else; only to `allowedHosts`.
 */
export function metricsApp({ config, collect, healthy }: MetricsAppOptions): Hono<Environment> {
  const app = new Hono<Environment>();
  const allowed = config.allowedHosts.length > 0 ? Networks.parse(config.allowedHosts) : null;
  const once = shared(collect);

  app.use(async (context, next) => {
    const { remoteAddr } = context.env;
    const host = remoteAddr.transport === "tcp" ? unmapped(remoteAddr.hostname) : "";
    if (allowed && !allowed.has(host)) return context.text("Forbidden\n", 403);
    return await next();
  });
  app.get(config.path, async (context) => {
    if (config.apiKey !== null && !isBearer(context.req.header("Authorization"), config.apiKey)) {
      return context.text("Unauthorized\n", 401, { "WWW-Authenticate": "Bearer" });
    }
    return context.body(await once(), 200, { "Content-Type": METRICS_TYPE });
  });
  app.get("/health", async (context) => {
    return await healthy() ? context.text("ok\n") : context.text("unavailable\n", 503);
  });
  return app;
}

/** WHY: digests have one length, so the comparison takes the same time for every wrong key. */
function isBearer(header: string | undefined, apiKey: string): boolean {
  const [, token] = /^Bearer +(\S+) *$/i.exec(header ?? "") ?? [];
  return token !== undefined && timingSafeEqual(digest(token), digest(apiKey));
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

/** WHY: however many scrape at a time, the workers are asked once. */
function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= work().finally(() => running = undefined);
    return running;
  };
}
