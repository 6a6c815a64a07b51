import { once } from "node:events";
import { plainMessage } from "../support/mail.ts";
import { imapConfig } from "../support/imap.ts";
import { testDatabase } from "../support/postgres.ts";
import { FastClient } from "./fast_client.ts";
import { BODIES, BODY_BYTES, LARGE, PASSWORD, seed, USER } from "./imap_bench_seed.ts";
import type { ServerRequest } from "./imap_bench_server.ts";
import { type Figure, median, percentile, report } from "./report.ts";

const ROUNDS = 7;

/** The IMAP speed targets, over a real socket, the server in an isolate of its own. */
export async function imapBench(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const { config } = stack.use(await testDatabase());
  const folder = await Deno.makeTempDir({ prefix: "sora-bench-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  await seed(config, folder);
  const server = new BenchServer();
  stack.defer(() => server.terminate());
  const port = await server.ask({
    kind: "start",
    config: imapConfig(),
    database: config,
    folder,
  });
  const client = stack.use(await FastClient.login(port, USER, PASSWORD));
  return [
    ...await selecting(client, server),
    ...await sorting(client, server),
    ...await fetching(client, server),
    ...await others(client, server),
    ...await idling(client, await FastClient.login(port, USER, PASSWORD)),
  ];
}

async function selecting(client: FastClient, server: BenchServer): Promise<Figure[]> {
  await client.command("SELECT Large"); // statements are prepared, code is compiled
  const cold = await rounds(async () => {
    await client.command("UNSELECT");
    await server.ask({ kind: "forget" });
    return await client.timed("SELECT Large");
  });
  const warm = await rounds(async () => {
    await client.command("UNSELECT");
    return await client.timed("SELECT Large");
  });
  return [
    { name: `SELECT of ${LARGE} messages, cold`, value: cold, unit: "ms", target: ["<=", 50] },
    { name: `SELECT of ${LARGE} messages, warm`, value: warm, unit: "ms", target: ["<=", 5] },
    await stallFigure("SELECT", server),
  ];
}

async function fetching(client: FastClient, server: BenchServer): Promise<Figure[]> {
  const flags = await rounds(() => client.timed("UID FETCH 1:* (UID FLAGS)"));
  const flagsStall = await stallFigure("UID FETCH FLAGS", server);
  const items = "(ENVELOPE BODYSTRUCTURE FLAGS INTERNALDATE RFC822.SIZE)";
  const lists = await rounds(() => client.timed(`FETCH 1:10000 ${items}`));
  const listStall = await stallFigure("FETCH ENVELOPE", server);
  const fields = "BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE MESSAGE-ID)]";
  const headers = await rounds(() => client.timed(`FETCH 1:10000 (UID FLAGS ${fields})`));
  const headerStall = await stallFigure("FETCH HEADER.FIELDS", server);
  await client.command("SELECT Bodies");
  const ms = await rounds(() => client.timed("FETCH 1:* (UID BODY.PEEK[])"));
  const mbPerSecond = client.lastBytes / 1e6 / (ms / 1_000);
  const bodyStall = await stallFigure("FETCH BODY[]", server);
  return [
    { name: "UID FETCH 1:* (UID FLAGS)", value: flags, unit: "ms", target: ["<=", 400] },
    flagsStall,
    { name: `FETCH 1:10000 ${items.slice(0, 32)}…`, value: lists, unit: "ms", target: ["<=", 600] },
    listStall,
    {
      name: "FETCH 1:10000 (UID FLAGS BODY.PEEK[HEADER.FIELDS …])",
      value: headers,
      unit: "ms",
      target: ["<=", 600],
    },
    headerStall,
    {
      name: `${BODIES} bodies of ${BODY_BYTES / 1_000} kB`,
      value: mbPerSecond,
      unit: "MB/s",
      target: [">=", 60],
    },
    bodyStall,
  ];
}

/** SORT and THREAD of the large mailbox, which is selected. */
async function sorting(client: FastClient, server: BenchServer): Promise<Figure[]> {
  const figures: Figure[] = [];
  const commands: readonly (readonly [command: string, targetMs: number | null])[] = [
    ["SORT (REVERSE ARRIVAL) UTF-8 ALL", 200],
    ["SORT (SUBJECT) UTF-8 ALL", null],
    ["SORT (DISPLAYFROM REVERSE DATE) UTF-8 ALL", null],
    ["SORT RETURN (PARTIAL 1:50) (REVERSE DATE) UTF-8 ALL", null],
    ["THREAD REFERENCES UTF-8 ALL", 600],
    ["THREAD REFS UTF-8 ALL", null],
    ["THREAD ORDEREDSUBJECT UTF-8 ALL", null],
  ];
  for (const [name, targetMs] of commands) {
    await client.command(name);
    await server.ask({ kind: "stall" });
    const value = await rounds(() => client.timed(name));
    const target = targetMs === null ? {} : { target: ["<=", targetMs] as const };
    figures.push({ name, value, unit: "ms", ...target }, await stallFigure(name, server));
  }
  return figures;
}

async function others(client: FastClient, server: BenchServer): Promise<Figure[]> {
  const body = await client.timed('SEARCH BODY "no such words"');
  const bodyStall = await stallFigure("SEARCH BODY", server);
  await client.command("SELECT Large");
  const unseen = await rounds(() => client.timed("SEARCH UNSEEN"));
  const from = await rounds(() => client.timed("SEARCH FROM nobody-at-all"));
  const texts = await searchingTexts(client);
  const synced = await syncing(client);
  await server.ask({ kind: "stall" });
  const store = await client.timed("STORE 1:* +FLAGS.SILENT (\\Answered)");
  const storeStall = await stallFigure("STORE 1:*", server);
  await client.command("CREATE Copies");
  const copy = await client.timed("COPY 1:10000 Copies");
  const copyStall = await stallFigure("COPY", server);
  return [
    { name: `SEARCH BODY in ${BODIES} bodies, not indexed`, value: body, unit: "ms" },
    bodyStall,
    { name: "SEARCH UNSEEN", value: unseen, unit: "ms", target: ["<=", 20] },
    { name: "SEARCH FROM x", value: from, unit: "ms", target: ["<=", 50] },
    ...texts,
    ...synced,
    { name: "STORE 1:* +FLAGS.SILENT", value: store, unit: "ms", target: ["<=", 2_000] },
    storeStall,
    { name: "COPY of 10,000", value: copy, unit: "ms", target: ["<=", 1_500] },
    copyStall,
  ];
}

/** Texts of 100,000 different messages, all of them indexed. */
async function searchingTexts(client: FastClient): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (
    const [what, key] of [
      ["one hit", 'BODY "ticket 77777 of"'],
      ["2,000 hits", 'BODY "of 7 regards"'],
      ["none", "BODY nowhere-at-all"],
      ["all", "BODY reader"],
      ["TEXT, one hit", 'TEXT "ticket 4711 of"'],
    ]
  ) {
    const value = await rounds(() => client.timed(`SEARCH ${key}`));
    figures.push({
      name: `SEARCH of an indexed text, ${what}`,
      value,
      unit: "ms",
      target: ["<=", 150],
    });
  }
  return figures;
}

/** RFC 7162: what a client costs that comes back. */
async function syncing(client: FastClient): Promise<Figure[]> {
  await client.command("ENABLE QRESYNC");
  const modseqOf = async () => {
    await client.command("STATUS Large (HIGHESTMODSEQ UIDVALIDITY)");
    const [, modseq = "", validity = ""] =
      /HIGHESTMODSEQ (\d+) UIDVALIDITY (\d+)/.exec(client.last) ?? [];
    return { modseq, validity };
  };
  const before = await modseqOf();
  await client.command("UID STORE 50000:50099 +FLAGS.SILENT (\\Flagged)");
  const changed = await rounds(() =>
    client.timed(`UID FETCH 1:* (FLAGS) (CHANGEDSINCE ${before.modseq})`)
  );
  await client.command("UID STORE 60000:60899 +FLAGS.SILENT (\\Flagged)");
  const resync = await rounds(async () => {
    await client.command("UNSELECT");
    return await client.timed(`SELECT Large (QRESYNC (${before.validity} ${before.modseq}))`);
  });
  return [
    {
      name: "UID FETCH (CHANGEDSINCE), 100 changes",
      value: changed,
      unit: "ms",
      target: ["<=", 10],
    },
    { name: "SELECT (QRESYNC), 1,000 changes", value: resync, unit: "ms", target: ["<=", 30] },
  ];
}

/** From the moment a command changes the mailbox to the line in another session's IDLE. */
async function idling(writer: FastClient, idler: FastClient): Promise<Figure[]> {
  await idler.command("SELECT INBOX");
  await idler.startIdle();
  const latencies: number[] = [];
  for (let n = 0; n < 200; n++) {
    const heard = idler.heard("EXISTS");
    const message = plainMessage(n);
    const from = performance.now();
    const appended = writer.command(`APPEND INBOX {${message.length}+}\r\n${message}`);
    const at = await heard;
    await appended;
    latencies.push(at - from);
  }
  idler[Symbol.dispose]();
  return [{
    name: "APPEND to EXISTS in IDLE, p99, the APPEND included",
    value: percentile(latencies, 99),
    unit: "ms",
    target: ["<=", 20],
  }];
}

async function rounds(once: () => Promise<number>): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < ROUNDS; i++) samples.push(await once());
  return median(samples);
}

async function stallFigure(what: string, server: BenchServer): Promise<Figure> {
  const value = await server.ask({ kind: "stall" });
  return {
    name: `  longest stall of the event loop, ${what}`,
    value,
    unit: "ms",
    target: ["<=", 50],
  };
}

/** The isolate of the server. */
class BenchServer {
  readonly #worker = new Worker(new URL("imap_bench_server.ts", import.meta.url), {
    type: "module",
  });

  async ask(request: ServerRequest): Promise<number> {
    const answered = once(this.#worker, "message");
    this.#worker.postMessage(request);
    const [event] = await answered;
    return (event as MessageEvent<number>).data;
  }

  terminate(): void {
    this.#worker.terminate();
  }
}

if (import.meta.main) {
  report("IMAP", await imapBench());
  Deno.exit(0); // WHY: the shared test server's sockets would keep the program alive.
}
