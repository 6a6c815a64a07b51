import type { Log } from "../observe/log.ts";
import { metricsApp, type MetricsAppOptions } from "./metrics_app.ts";

/** Only this machine gets there. */
const LOOPBACK = /^(127\.|::1$|localhost$)/;

/** Serves `metricsApp` until it is disposed of. Throws what `Deno.serve` throws. */
export function serveMetrics(options: MetricsAppOptions, log: Log): AsyncDisposable {
  const { addr: { host, port }, path, name, apiKey, allowedHosts } = options.config;
  const app = metricsApp(options);
  if (apiKey === null && allowedHosts.length === 0 && !LOOPBACK.test(host)) {
    log.warning("metrics-open-to-everyone", {
      server: name,
      remedy: "set api_key or allowed_hosts",
    });
  }
  const server = Deno.serve({
    port,
    ...(host === "" ? {} : { hostname: host }),
    onListen: () => log.info("listening", { server: name, host, port, path }),
    onError: (error) => {
      log.error("request-failed", { server: name, error });
      return new Response("Internal Server Error\n", { status: 500 });
    },
    handler: (request, info) => app.fetch(request, { remoteAddr: info.remoteAddr }),
  });
  return { [Symbol.asyncDispose]: () => server.shutdown() };
}
