import { parseArgs } from "node:util";
import { startServer } from "../support/server.ts";
import { appendBench } from "./append_bench.ts";
import { bodyBench } from "./body_bench.ts";
import { encryptionBench } from "./encryption_bench.ts";
import { idleBench } from "./idle_bench.ts";
import { imapBench } from "./imap_bench.ts";
import { importBench } from "./import_bench.ts";
import { lmtpBench } from "./lmtp_bench.ts";
import { mixedBench } from "./mixed_bench.ts";
import { type Figure, report, stallsOf } from "./report.ts";
import { s3Bench } from "./s3_bench.ts";
import { startBench } from "./start_bench.ts";
import { uploadBench } from "./upload_bench.ts";

const PASSWORD = "correct horse battery";
const RECIPIENTS = 16;
const DELIVERIES = 6_000;

/** Everything a real server takes in: deliveries to many accounts, to one, and APPEND. */
async function writing(workers: number): Promise<Figure[]> {
  await using server = await startServer({ workers });
  const addresses = Array.from({ length: RECIPIENTS }, (_, n) => `bench${n}@example.org`);
  for (const address of addresses) await server.createAccount(address, PASSWORD);
  const load = { port: server.lmtpPort, connections: 16, sizeBytes: 10_000 };
  await lmtpBench({ ...load, recipients: addresses, messages: 1_500 }); // code is compiled
  const before = await stallsOf(server);
  const many = await lmtpBench({ ...load, recipients: addresses, messages: DELIVERIES });
  const few = await lmtpBench({ ...load, connections: 8, recipients: addresses, messages: 3_000 });
  const one = await lmtpBench({ ...load, recipients: addresses.slice(0, 1), messages: DELIVERIES });
  const append = await appendBench(server, { address: addresses[1] ?? "", password: PASSWORD });
  const stalls = await stallsOf(server) - before;
  return [
    ...many.map((figure) => ({ ...figure, name: `${figure.name}, ${RECIPIENTS} mailboxes` })),
    ...few.map((figure) => ({ ...figure, name: `${figure.name}, ${RECIPIENTS} mailboxes` })),
    ...one.map((figure) => ({ ...figure, name: `${figure.name}, one mailbox` })),
    ...append,
    { name: "event-loop stalls over 50 ms", value: stalls, unit: "", target: ["<=", 0] },
  ];
}

const sections: Record<string, () => Promise<Figure[]>> = {
  start: startBench,
  "writing, 1 worker": () => writing(1),
  "writing, 2 workers": () => writing(2),
  reading: imapBench,
  bodies: bodyBench,
  encryption: encryptionBench,
  uploads: uploadBench,
  idle: idleBench,
  mixed: mixedBench,
  s3: s3Bench,
  import: importBench,
};

/** `deno task bench` for all, `deno task bench --only idle` for the sections of that name. */
if (import.meta.main) {
  const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
  for (const [title, run] of Object.entries(sections)) {
    if (title.startsWith(values.only)) report(title, await run());
  }
}
