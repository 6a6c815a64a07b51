import { embeddedConfig } from "../../src/config/embedded.ts";
import { SearchRate } from "../../src/limits/search_rate.ts";
import { QuotaStore } from "../../src/store/quotas.ts";
import { MessageTextStore } from "../../src/store/message_texts.ts";
import { MetadataStore } from "../../src/store/metadata.ts";
import { AccessControl } from "../../src/auth/access_control.ts";
import { MailboxAccess } from "../../src/auth/mailbox_access.ts";
import { Authenticator } from "../../src/auth/authenticator.ts";
import { LocalHasher } from "../../src/auth/local_hasher.ts";
import { DiskBlobs } from "../../src/blobs/disk_blobs.ts";
import type { DatabaseConfig, ImapServerConfig } from "../../src/config/config.ts";
import { serveImap } from "../../src/imap/connection.ts";
import { UidMaps } from "../../src/imap/view/uid_maps.ts";
import { listen } from "../../src/net/listener.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { AclStore } from "../../src/store/acls.ts";
import { AccountStore } from "../../src/store/accounts.ts";
import { Database } from "../../src/store/database.ts";
import { MailboxStore } from "../../src/store/mailboxes.ts";
import { MessageStore } from "../../src/store/messages.ts";
import { Notices } from "../../src/store/notices.ts";

/** What the bench asks of the server's isolate. */
export type ServerRequest =
  | {
    readonly kind: "start";
    readonly config: ImapServerConfig;
    readonly database: DatabaseConfig;
    readonly folder: string;
  }
  /** Drops every UID map, so that the next SELECT is cold. */
  | { readonly kind: "forget" }
  /** The longest stall of the event loop since the last time, in ms. */
  | { readonly kind: "stall" };

/*
 * One IMAP worker in an isolate of its own, so that the client's work is not measured with it.
 */
const worker = globalThis as unknown as {
  onmessage: (event: MessageEvent<ServerRequest>) => void;
  postMessage(answer: number): void;
};
const TICK_MS = 5;
let maps: UidMaps | undefined;
let stallMs = 0;
let lastMs = performance.now();
setInterval(() => {
  const now = performance.now();
  stallMs = Math.max(stallMs, now - lastMs - TICK_MS);
  lastMs = now;
}, TICK_MS);

worker.onmessage = async ({ data }) => {
  switch (data.kind) {
    case "start":
      return worker.postMessage(await start(data));
    case "forget":
      maps?.[Symbol.dispose]();
      return worker.postMessage(0);
    case "stall": {
      const longest = stallMs;
      stallMs = 0;
      return worker.postMessage(longest);
    }
  }
};

async function start(
  { config, database, folder }: Extract<ServerRequest, { kind: "start" }>,
): Promise<number> {
  const log = logger("imap");
  const metrics = new Metrics();
  const db = await Database.open(database, { log, metrics });
  const notices = new Notices(db, { workerId: "bench" });
  await notices.start();
  const accounts = new AccountStore(db);
  const mailboxes = new MailboxStore(db, notices);
  const messages = new MessageStore(db, notices);
  const acls = new AclStore(db, notices);
  const sharing = embeddedConfig("unused").sharedMailboxes;
  const access = new MailboxAccess({ mailboxes, acls, sharing });
  maps = new UidMaps({ messages, mailboxes, notices, log });
  const hasher = new LocalHasher({ scheme: "sha512", cost: 4 });
  const authenticator = new Authenticator({ accounts, hasher, log, metrics, bcryptCost: 4 });
  const onConnection = serveImap({
    accounts,
    mailboxes,
    access,
    accessControl: new AccessControl({ access, acls, accounts, sharing }),
    messages,
    texts: new MessageTextStore(db),
    metadata: new MetadataStore(db, embeddedConfig("unused").metadata),
    quotas: new QuotaStore(db),
    administrators: [],
    searchRate: new SearchRate({ perMinute: 0, windowMs: 60_000 }),
    maps,
    authenticator,
    log,
    metrics,
    blobs: new DiskBlobs(folder),
    spoolDir: folder,
    config,
    draining: new AbortController().signal,
  });
  const listener = listen({
    host: "127.0.0.1",
    port: 0,
    protocol: "imap",
    serverName: "bench",
    onConnection,
    log,
    metrics,
  });
  return listener.addr.port;
}
