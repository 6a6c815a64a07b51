import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { LineClient } from "../support/line_client.ts";
import { plainMessage } from "../support/mail.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Figure, percentile, stallsOf } from "./report.ts";

const PASSWORD = "correct horse battery";
const ACCOUNTS = 50;
const SAMPLES = 200;

/** Memory of idle sessions, and the time from delivery to the untagged EXISTS. */
export async function idleBench(sessions = 5_000): Promise<Figure[]> {
  await using server = await startServer({ imap: "max_connections = 0" });
  for (let n = 0; n < ACCOUNTS; n++) await server.createAccount(address(n), PASSWORD);
  const open: LineClient[] = [];
  try {
    for (let n = 0; n < 200; n++) open.push(await idle(server, n)); // warm: code and caches are in
    const before = memoryOf(server.pid);
    const stallsBefore = await stallsOf(server);
    for (let n = 200; n < 200 + sessions; n += 20) {
      open.push(...await Promise.all(Array.from({ length: 20 }, (_, i) => idle(server, n + i))));
    }
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const each = (memoryOf(server.pid) - before) / sessions;
    const latencies = await announce(server, open);
    return [
      {
        name: `memory of an idle session, ${sessions} of them`,
        value: each / 1024,
        unit: "KB",
        target: ["<=", 30],
      },
      {
        name: "delivery's 250 to EXISTS in IDLE, p50",
        value: percentile(latencies, 50),
        unit: "ms",
      },
      {
        name: "delivery's 250 to EXISTS in IDLE, p99",
        value: percentile(latencies, 99),
        unit: "ms",
        target: ["<=", 20],
      },
      {
        name: "event-loop stalls over 50 ms",
        value: await stallsOf(server) - stallsBefore,
        unit: "",
        target: ["<=", 0],
      },
    ];
  } finally {
    for (const session of open) session.close();
  }
}

function address(n: number): string {
  return `idle${n % ACCOUNTS}@example.org`;
}

async function idle(server: TestServer, n: number): Promise<LineClient> {
  const session = await LineClient.dial(server.imapPort);
  await session.imapLine();
  await session.imap(`LOGIN ${address(n)} "${PASSWORD}"`);
  await session.imap("SELECT INBOX");
  await session.send("i IDLE\r\n");
  while (!(await session.imapLine()).startsWith("+")) continue;
  return session;
}

async function announce(server: TestServer, open: readonly LineClient[]): Promise<number[]> {
  using lmtp = await dialLmtp(server.lmtpPort);
  const latencies: number[] = [];
  // Session n % ACCOUNTS is the first one of its account: the one whose EXISTS is timed.
  for (let n = 0; n < SAMPLES; n++) {
    const session = open[n % ACCOUNTS];
    if (!session) continue;
    const told = until(session, /EXISTS$/);
    await deliver(lmtp, plainMessage(n), [address(n)]);
    const from = performance.now();
    await told;
    latencies.push(Math.max(0, performance.now() - from));
  }
  return latencies;
}

async function until(session: LineClient, wanted: RegExp): Promise<void> {
  while (!wanted.test(await session.imapLine())) continue;
}

/** Resident memory of a process, in bytes. */
function memoryOf(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
