import type { ImapFlow, ListResponse } from "imapflow";
import type { Source, SourceMailbox } from "../source.ts";
import { ImapConnection, type ImapServer } from "./imap_connection.ts";
import { openImapMailbox } from "./open_imap_mailbox.ts";

interface Listed {
  readonly name: string;
  readonly path: string;
  readonly isSelectable: boolean;
  readonly isSubscribed: boolean;
}

interface Listing {
  readonly mailboxes: readonly Listed[];
  /** Names in the namespaces of others. */
  readonly others: readonly string[];
}

/** The mailboxes of one user of another IMAP server. */
export class ImapSource implements Source {
  readonly #connection: ImapConnection;
  #listing: Promise<Listing> | undefined;

  constructor(server: ImapServer) {
    this.#connection = new ImapConnection(server);
  }

  async mailboxes(): Promise<readonly SourceMailbox[]> {
    const { mailboxes } = await this.#list();
    return mailboxes.filter(({ isSelectable }) => isSelectable).map(({ name, path }) => ({
      name,
      count: () => this.#count(path),
      open: () => openImapMailbox(this.#connection, path),
    }));
  }

  async subscriptions(): Promise<readonly string[]> {
    const { mailboxes } = await this.#list();
    return mailboxes.filter(({ isSubscribed }) => isSubscribed).map(({ name }) => name);
  }

  async remarks(): Promise<readonly string[]> {
    const { others } = await this.#list();
    return others.map((name) => `${name}: mailboxes of others are not imported`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection[Symbol.asyncDispose]();
  }

  #list(): Promise<Listing> {
    return this.#listing ??= this.#connection.run(null, readListing);
  }

  #count(path: string): Promise<number | null> {
    return this.#connection.run(null, async (client) => {
      const status = await client.status(path, { messages: true });
      return status ? status.messages ?? null : null;
    }).catch(() => null);
  }
}

async function readListing(client: ImapFlow): Promise<Listing> {
  const all = (await client.list()).filter(({ flags }) => !has(flags, "\\NonExistent"));
  const prefix = client.namespace?.prefix ?? "";
  const foreign = [...client.namespaces?.other || [], ...client.namespaces?.shared || []]
    .map((namespace) => namespace.prefix).filter((other) => other !== "" && other !== prefix);
  const isForeign = ({ path }: ListResponse) => foreign.some((other) => path.startsWith(other));
  const mailboxes = all.filter((entry) => !isForeign(entry)).map((entry) => ({
    name: nameOf(entry, prefix),
    path: entry.path,
    isSelectable: !has(entry.flags, "\\Noselect"),
    isSubscribed: entry.subscribed,
  }));
  return { mailboxes, others: all.filter(isForeign).map(({ path }) => path) };
}

/**
 * A name in our own terms: without the prefix of the user's namespace ("INBOX." at Courier and Cyrus),
 * "/" between levels. A "/" within a level, where that server has another delimiter, becomes "_".
 */
function nameOf({ path, delimiter }: ListResponse, prefix: string): string {
  const own = prefix !== "" && path.startsWith(prefix) && path.length > prefix.length
    ? path.slice(prefix.length)
    : path;
  if (!delimiter || delimiter === "/") return own;
  return own.split(delimiter).map((level) => level.replaceAll("/", "_")).join("/");
}

function has(flags: ReadonlySet<string>, wanted: string): boolean {
  return [...flags].some((flag) => flag.toLowerCase() === wanted.toLowerCase());
}
