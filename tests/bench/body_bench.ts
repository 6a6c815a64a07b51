import { join } from "node:path";
import { removeDataDir, startServer, type TestServer } from "../support/server.ts";
import { FastClient } from "./fast_client.ts";
import { lmtpBench } from "./lmtp_bench.ts";
import { type Figure, median } from "./report.ts";

const ADDRESS = "bench@example.org";
const PASSWORD = "correct horse battery";
const MEGABYTE = 1_000_000;
const LARGE_BYTES = 48 * MEGABYTE;
const SMALL_BYTES = 10_000;
const SMALL = 2_000;
const ROUNDS = 5;
const KEY = "fedcba9876543210".repeat(4);
/** For everything to be uploaded. */
const UPLOADED_MS = 60_000;

/** Where bodies are read from. */
interface Place {
  readonly name: string;
  readonly config: string;
  /** What has become of the staged bodies when they are read. */
  readonly staged: "here" | "cached" | "gone";
  readonly target?: Figure["target"];
}

const ENCRYPTED = `encrypt = true\nencryption_key = "${KEY}"\n`;
const CACHED = `[local_cache]\nmax_object_size = "50mb"\nenable_warmup = false\n`;
const NOT_CACHED = `[local_cache]\nenabled = false\n`;

const places: readonly Place[] = [
  { name: "staged", config: NOT_CACHED, staged: "here" },
  { name: "cached", config: CACHED, staged: "cached", target: [">=", 60] },
  {
    name: "cached, store encrypted",
    config: ENCRYPTED + CACHED,
    staged: "cached",
    target: [">=", 42],
  },
  { name: "from the store", config: NOT_CACHED, staged: "gone" },
  { name: "from the store, encrypted", config: ENCRYPTED + NOT_CACHED, staged: "gone" },
];

/** Bodies from wherever they may be, over sockets: how fast, and what a large one takes of memory. */
export async function bodyBench(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const place of places) {
    const store = new Worker(new URL("./s3_bench_store.ts", import.meta.url), { type: "module" });
    try {
      const { promise, resolve } = Promise.withResolvers<{ readonly section: string }>();
      store.onmessage = (event) => resolve(event.data);
      const { section } = await promise;
      figures.push(...await measured(place, section + place.config));
    } finally {
      store.terminate();
    }
  }
  return figures;
}

async function measured(place: Place, extra: string): Promise<Figure[]> {
  const dataDir = await Deno.makeTempDir({ prefix: "sora-bench-" });
  await Deno.chmod(dataDir, 0o755);
  try {
    const deliveryBytes = await delivering({ dataDir, extra });
    await leaveStaging(place, join(dataDir, "data"));
    await using server = await startServer({ dataDir, extra });
    return [
      ...await reading(place, server),
      {
        name: `memory of a delivery of 48 MB, ${place.name}`,
        value: deliveryBytes / MEGABYTE,
        unit: "MB",
        target: ["<=", 20],
      },
    ];
  } finally {
    await removeDataDir(dataDir);
  }
}

/** How much memory it takes to deliver the large one. All are uploaded afterwards. */
async function delivering(
  options: { readonly dataDir: string; readonly extra: string },
): Promise<number> {
  await using server = await startServer(options);
  await server.createAccount(ADDRESS, PASSWORD);
  const load = { port: server.lmtpPort, recipients: [ADDRESS], connections: 1, messages: 1 };
  await lmtpBench({ ...load, sizeBytes: LARGE_BYTES / 8 }); // code is compiled
  const grown = await growth(server, () => lmtpBench({ ...load, sizeBytes: LARGE_BYTES }));
  await lmtpBench({ ...load, connections: 8, messages: SMALL, sizeBytes: SMALL_BYTES });
  await uploaded(server);
  return grown;
}

async function leaveStaging({ staged }: Place, data: string): Promise<void> {
  if (staged === "here") return;
  await Deno.remove(join(data, "cache"), { recursive: true });
  if (staged === "cached") await Deno.rename(join(data, "uploads"), join(data, "cache"));
  else await Deno.remove(join(data, "uploads"), { recursive: true });
}

async function reading(
  { name, target }: Place,
  server: TestServer,
): Promise<Figure[]> {
  using client = await FastClient.login(server.imapPort, ADDRESS, PASSWORD);
  await client.command("SELECT INBOX");
  await client.command("FETCH 1 BODY.PEEK[]");
  const fetching = await growth(server, () => client.command("FETCH 2 BODY.PEEK[]"));
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rates.push(await rate(client, "FETCH 3:* BODY.PEEK[]"));
  }
  const large = await rate(client, "FETCH 2 BODY.PEEK[]");
  return [
    {
      name: `${SMALL} bodies of 10 kB, ${name}`,
      value: median(rates),
      unit: "MB/s",
      ...target && { target },
    },
    { name: `body of 48 MB, ${name}`, value: large, unit: "MB/s" },
    {
      name: `memory of that, ${name}`,
      value: fetching / MEGABYTE,
      unit: "MB",
      target: ["<=", 20],
    },
  ];
}

async function rate(client: FastClient, command: string): Promise<number> {
  const ms = await client.timed(command);
  return client.lastBytes / MEGABYTE / (ms / 1000);
}

/** How much more of memory the server takes at most while something is done, in bytes. */
async function growth({ pid }: TestServer, work: () => Promise<unknown>): Promise<number> {
  await Deno.writeTextFile(`/proc/${pid}/clear_refs`, "5"); // the peak begins anew
  const before = await residentBytes(pid, "VmRSS");
  await work();
  return await residentBytes(pid, "VmHWM") - before;
}

async function residentBytes(pid: number, what: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
}

async function uploaded(server: TestServer): Promise<void> {
  const deadline = performance.now() + UPLOADED_MS;
  for (;;) {
    const { pending } = JSON.parse(await server.admin("uploader", "status", "--json"));
    if (pending === 0) return;
    if (performance.now() > deadline) {
      throw new Error(`${pending} bodies were not uploaded in time`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
