import { parseArgs } from "node:util";
import { LineClient } from "../support/line_client.ts";
import { type Figure, percentile, report } from "./report.ts";

export interface LmtpLoad {
  /** Of a running server that knows the recipients. */
  readonly port: number;
  readonly recipients: readonly string[];
  readonly connections: number;
  readonly messages: number;
  readonly sizeBytes: number;
}

/** Messages per second over so many connections, one recipient each, in turn; every one is different. */
export async function lmtpBench(load: LmtpLoad): Promise<Figure[]> {
  const { connections, messages, sizeBytes } = load;
  const filler = "The quick brown fox jumps over the lazy dog, 0123456789 times.\r\n";
  const body = filler.repeat(Math.ceil(sizeBytes / filler.length)).slice(0, sizeBytes);
  const run = crypto.randomUUID();
  const latencies: number[] = [];
  let sent = 0;
  const started = performance.now();
  await Promise.all(Array.from({ length: connections }, async () => {
    using client = await LineClient.dial(load.port);
    await client.reply();
    await client.command("LHLO bench.example.net");
    while (sent < messages) {
      const n = sent++;
      const recipient = load.recipients[n % load.recipients.length] ?? "";
      const message = `From: <bench@example.net>\r\nTo: <${recipient}>\r\n` +
        `Subject: message ${n}\r\nMessage-ID: <${n}.${run}@example.net>\r\n\r\n${body}\r\n`;
      const before = performance.now();
      await transaction(client, recipient, message);
      latencies.push(performance.now() - before);
    }
  }));
  const seconds = (performance.now() - started) / 1000;
  const name = `LMTP, ${connections} connections, ${sizeBytes} octets`;
  return [
    { name, value: messages / seconds, unit: "messages/s", target: [">=", 500] },
    { name: `${name}, p50`, value: percentile(latencies, 50), unit: "ms" },
    { name: `${name}, p99`, value: percentile(latencies, 99), unit: "ms" },
  ];
}

/** As Postfix does it: the envelope pipelined, then the message. */
async function transaction(client: LineClient, recipient: string, message: string): Promise<void> {
  await client.send(`MAIL FROM:<bench@example.net>\r\nRCPT TO:<${recipient}>\r\nDATA\r\n`);
  for (const expected of ["250", "250", "354"]) await expect(client, expected);
  await client.send(`${message}.\r\n`);
  await expect(client, "250");
}

async function expect(client: LineClient, code: string): Promise<void> {
  const [reply = ""] = await client.reply();
  if (!reply.startsWith(code)) throw new Error(`Expected ${code}, got ${reply}`);
}

/** `deno run -A tests/bench/lmtp_bench.ts --port 2424 --to a@example.com,b@example.com`. */
if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "2424" },
      to: { type: "string", default: "demo@localhost" },
      connections: { type: "string", default: "16" },
      messages: { type: "string", default: "5000" },
      size: { type: "string", default: "10000" },
    },
  });
  report(
    "LMTP",
    await lmtpBench({
      port: Number(values.port),
      recipients: values.to.split(","),
      connections: Number(values.connections),
      messages: Number(values.messages),
      sizeBytes: Number(values.size),
    }),
  );
}
