import type { FetchMessageObject } from "imapflow";
import type { Uid, UidValidity } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";
import { FLAG } from "../../store/flags.ts";
import { type OpenMailbox, SourceLost, type SourceMessage, Unreadable } from "../source.ts";
import { fetchChunks } from "./fetch_chunks.ts";
import type { ImapConnection } from "./imap_connection.ts";

/** Larger messages are fetched in pieces of this size. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** RFC 3501 §2.3.2; \Recent belongs to a session. */
const FLAGS: ReadonlyMap<string, number> = new Map([
  ["\\answered", FLAG.answered],
  ["\\flagged", FLAG.flagged],
  ["\\deleted", FLAG.deleted],
  ["\\seen", FLAG.seen],
  ["\\draft", FLAG.draft],
]);

interface ImapMessage extends SourceMessage {
  readonly uid: Uid;
  readonly sizeBytes: number;
}

/** Asks for UIDs, flags, dates and sizes of all messages. Throws as `ImapConnection.run`. */
export async function openImapMailbox(
  connection: ImapConnection,
  path: string,
): Promise<OpenMailbox> {
  return await connection.run(path, async (client, mailbox) => {
    const messages: ImapMessage[] = [];
    if (mailbox && mailbox.exists > 0) {
      const wanted = { uid: true, flags: true, internalDate: true, size: true };
      for await (const message of client.fetch("1:*", wanted)) messages.push(messageOf(message));
    }
    messages.sort((a, b) => a.uid - b.uid);
    return new OpenImapMailbox(connection, path, {
      uidValidity: Number(mailbox?.uidValidity ?? 0),
      uidNext: mailbox?.uidNext ?? 0,
      messages,
    });
  });
}

function messageOf({ uid, flags, internalDate, size }: FetchMessageObject): ImapMessage {
  const names = [...flags ?? []];
  let bits = 0;
  for (const name of names) bits |= FLAGS.get(name.toLowerCase()) ?? 0;
  const date = new Date(internalDate ?? NaN);
  return {
    uid: uid as Uid,
    flags: bits,
    keywords: names.filter((name) => !name.startsWith("\\")),
    internalDate: Number.isNaN(date.getTime()) ? new Date() : date,
    sizeBytes: size ?? 0,
    label: `UID ${uid}`,
  };
}

/** What became of one message of a FETCH. */
type Body = Uint8Array | Unreadable;

class OpenImapMailbox implements OpenMailbox {
  readonly uidValidity: UidValidity | null;
  readonly uidNext: Uid | null;
  readonly messages: readonly ImapMessage[];
  readonly #connection: ImapConnection;
  readonly #path: string;
  #chunks: readonly ImapMessage[][] = [];
  readonly #chunkOf = new Map<Uid, number>();
  /** Chunks that are being fetched or read; each is forgotten when all of it was read. */
  readonly #loading = new Map<number, { bodies: Promise<Map<Uid, Body>>; unread: number }>();

  constructor(
    connection: ImapConnection,
    path: string,
    { uidValidity, uidNext, messages }: {
      readonly uidValidity: number;
      readonly uidNext: number;
      readonly messages: readonly ImapMessage[];
    },
  ) {
    this.#connection = connection;
    this.#path = path;
    this.messages = messages;
    this.uidValidity = uidValidity > 0 ? uidValidity as UidValidity : null;
    // QUIRK: some servers do not say UIDNEXT.
    const next = Math.max(uidNext, (messages.at(-1)?.uid ?? 0) + 1);
    this.uidNext = this.uidValidity === null ? null : next as Uid;
  }

  expect(wanted: readonly SourceMessage[]): void {
    const small = wanted.filter(isOwn).filter(({ sizeBytes }) => sizeBytes <= PIECE_BYTES);
    this.#chunks = fetchChunks(small);
    this.#chunkOf.clear();
    for (const [at, chunk] of this.#chunks.entries()) {
      for (const { uid } of chunk) this.#chunkOf.set(uid, at);
    }
  }

  async *read(message: SourceMessage): AsyncGenerator<Uint8Array> {
    if (!isOwn(message)) throw new Error("Cannot read a message of another mailbox");
    const at = this.#chunkOf.get(message.uid);
    if (at === undefined) return yield* this.#pieces(message);
    const chunk = this.#load(at);
    const body = (await chunk.bodies).get(message.uid);
    if (--chunk.unread <= 0) this.#loading.delete(at);
    // WHY: the next one comes while this one is stored.
    if (at + 1 < this.#chunks.length) this.#load(at + 1);
    if (body instanceof Unreadable) throw body;
    if (!body) throw new Unreadable("the server did not send it");
    yield body;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#chunks = [];
    await Promise.allSettled([...this.#loading.values()].map(({ bodies }) => bodies));
  }

  #load(at: number): { bodies: Promise<Map<Uid, Body>>; unread: number } {
    const known = this.#loading.get(at);
    if (known) return known;
    const chunk = this.#chunks[at] ?? [];
    const loading = { bodies: this.#bodiesOf(chunk.map(({ uid }) => uid)), unread: chunk.length };
    // WHY: whoever reads it hears of it; it may also be read by nobody.
    loading.bodies.catch(() => {});
    this.#loading.set(at, loading);
    return loading;
  }

  /** Each message with a request of its own where one for all fails: one of them is damaged. */
  async #bodiesOf(uids: readonly Uid[]): Promise<Map<Uid, Body>> {
    try {
      return await this.#request(uids);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      const [only] = uids;
      if (uids.length === 1 && only !== undefined) return new Map([[only, error]]);
    }
    const bodies = new Map<Uid, Body>();
    for (const uid of uids) {
      for (const [one, body] of await this.#bodiesOf([uid])) bodies.set(one, body);
    }
    return bodies;
  }

  #request(uids: readonly Uid[]): Promise<Map<Uid, Body>> {
    return this.#connection.run(this.#path, async (client, mailbox) => {
      this.#check(mailbox?.uidValidity);
      const wanted = new Set(uids);
      const bodies = new Map<Uid, Body>();
      const query = { uid: true, source: true };
      const range = NumberSet.from(uids).toString();
      for await (const { uid, source } of client.fetch(range, query, { uid: true })) {
        if (source && wanted.has(uid as Uid)) bodies.set(uid as Uid, source);
      }
      return bodies;
    });
  }

  async *#pieces({ uid, sizeBytes }: ImapMessage): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < sizeBytes; start += PIECE_BYTES) {
      const piece = await this.#connection.run(this.#path, async (client, mailbox) => {
        this.#check(mailbox?.uidValidity);
        const source = { start, maxLength: PIECE_BYTES };
        const found = await client.fetchOne(String(uid), { uid: true, source }, { uid: true });
        return found ? found.source : undefined;
      });
      if (!piece || piece.length === 0) throw new Unreadable("the server did not send all of it");
      yield piece;
    }
  }

  /** RFC 3501 §2.3.1.1: with another UIDVALIDITY all UIDs mean other messages. */
  #check(uidValidity: bigint | undefined): void {
    if (this.uidValidity === null || Number(uidValidity ?? 0) === this.uidValidity) return;
    throw new SourceLost(`UIDVALIDITY of ${this.#path} has changed`);
  }
}

function isOwn(message: SourceMessage): message is ImapMessage {
  return message.uid !== null && message.sizeBytes !== null;
}
