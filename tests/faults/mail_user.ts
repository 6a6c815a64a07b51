import assert from "node:assert/strict";
import type { Roll } from "../support/dice.ts";
import { dialLmtp, stuffed } from "../support/lmtp_delivery.ts";
import { LineClient } from "../support/line_client.ts";
import type { TestServer } from "../support/server.ts";

export const PASSWORD = "correct horse battery";
const FOLDERS = ["INBOX", "Archive"] as const;
/** Bodies of these sizes: in memory, in a spool file, more than one chunk. */
const SIZES = [300, 9_000, 300_000];
/** What the names of mailboxes begin with that are of no use. */
const OLD = "Old-";
const CRLF = "\r\n";
/** Between trouble and the next try. */
const RETRY_MS = 50;

/** Where a message is; null: nowhere. */
type Place = (typeof FOLDERS)[number] | null;

/** What a user knows about one of the messages. */
interface Known {
  readonly n: number;
  /** More than one while nobody knows whether the last change took effect. */
  places: readonly Place[];
  uid: number | undefined;
  readonly sizeBytes: number;
}

/**
 * One user with an MTA, who does one thing after the other and remembers what was acknowledged. In trouble
 * only the last thing is in doubt; `check` reads all mail and finds out.
 */
export class MailUser {
  readonly #messages = new Map<number, Known>();
  readonly #roll: Roll;
  #next = 0;
  /** A delivery that got no answer: an MTA tries it again. */
  #undelivered: number | undefined;
  #isInDoubt = false;
  /** Changes that were acknowledged. */
  acknowledged = 0;
  /** How often something was refused for the moment, or a connection lost. */
  troubles = 0;
  /** Its account was deleted. */
  isGone = false;

  constructor(readonly address: string, roll: Roll) {
    this.#roll = roll;
  }

  /** Works, whatever trouble there is for the moment, until `stop`. */
  async work(server: TestServer, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        if (this.#isInDoubt) await this.check(server);
        using lmtp = await dialLmtp(server.lmtpPort);
        using imap = await this.#login(server);
        for (; !stop.aborted; this.acknowledged++) await this.#act(imap, lmtp);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        this.#isInDoubt = true;
        this.troubles++;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** What an MTA does when the server is back; then everything must be where it was said to be. */
  async check(server: TestServer): Promise<void> {
    await this.#deliverAgain(server);
    using imap = await this.#login(server);
    const found = new Map<number, { place: Place; uid: number }>();
    for (const place of FOLDERS) {
      for (const [n, uid] of await this.#read(imap, place)) {
        assert.ok(!found.has(n), `${this.address}: message ${n} is there twice`);
        found.set(n, { place, uid });
      }
    }
    for (const [n, known] of this.#messages) {
      const { place, uid } = found.get(n) ?? { place: null, uid: undefined };
      const expected = known.places.map((each) => each ?? "nowhere").join(" or ");
      assert.ok(
        known.places.includes(place),
        `${this.address}: message ${n} is ${place ?? "nowhere"}, not in ${expected}`,
      );
      known.places = [place];
      known.uid = uid;
      found.delete(n);
    }
    assert.equal(found.size, 0, `${this.address}: messages that nobody sent`);
    await this.#cleanUp(imap);
    this.#isInDoubt = false;
  }

  /** The operator deletes the account. */
  async leave(server: TestServer): Promise<void> {
    await server.admin("accounts", "delete", "--email", this.address);
    this.isGone = true;
  }

  async #login(server: TestServer): Promise<LineClient> {
    const imap = await LineClient.dial(server.imapPort);
    try {
      await imap.imapLine();
      await said(imap, `LOGIN ${this.address} "${PASSWORD}"`);
      await said(imap, "SELECT INBOX");
      return imap;
    } catch (error) {
      imap.close();
      throw error;
    }
  }

  async #act(imap: LineClient, lmtp: LineClient): Promise<void> {
    const what = this.#roll(20);
    const message = this.#any(({ places, uid }) => places[0] === "INBOX" && uid !== undefined);
    if (!message || what < 7) return await this.#deliver(lmtp);
    if (what < 10) return await this.#append(imap, this.#new());
    if (what < 13) return await this.#move(imap, message);
    if (what < 16) return await this.#expunge(imap, message);
    if (what < 17) return await this.#appendAgain(imap);
    if (what < 18) return await this.#throwAway(imap, message);
    if (what < 19) return await this.#fetch(imap, message);
    await said(imap, `UID STORE ${message.uid} +FLAGS (\\Flagged $Seen-${this.#roll(3)})`);
  }

  async #deliver(lmtp: LineClient): Promise<void> {
    const n = this.#new();
    this.#undelivered = n;
    await this.#send(lmtp, n);
  }

  /** WHY: trouble is an answer, too; an MTA tries again, and so does `check`. */
  async #send(lmtp: LineClient, n: number): Promise<void> {
    await replied(lmtp, "MAIL FROM:<sender@example.net>");
    await replied(lmtp, `RCPT TO:<${this.address}>`);
    await replied(lmtp, "DATA");
    await replied(lmtp, stuffed(this.#text(n)).slice(0, -CRLF.length));
    this.#undelivered = undefined;
    this.#certain(n, "INBOX");
  }

  async #append(imap: LineClient, n: number): Promise<void> {
    const text = this.#text(n);
    const tagged = await said(imap, `APPEND INBOX {${text.length}+}\r\n${text}`);
    this.#certain(n, "INBOX", Number(/APPENDUID \d+ (\d+)/.exec(tagged)?.[1]));
  }

  /** WHY: its body may just be removed. */
  async #appendAgain(imap: LineClient): Promise<void> {
    const gone = this.#any(({ places }) => places.length === 1 && places[0] === null);
    if (!gone) return;
    gone.places = ["INBOX", null];
    await this.#append(imap, gone.n);
  }

  async #move(imap: LineClient, message: Known): Promise<void> {
    message.places = ["INBOX", "Archive"];
    await said(imap, `UID MOVE ${message.uid} Archive`);
    message.places = ["Archive"];
  }

  async #expunge(imap: LineClient, message: Known): Promise<void> {
    await said(imap, `UID STORE ${message.uid} +FLAGS.SILENT (\\Deleted)`);
    message.places = ["INBOX", null];
    await said(imap, `UID EXPUNGE ${message.uid}`);
    message.places = [null];
  }

  /** A mailbox with everything that one can have, deleted at once. */
  async #throwAway(imap: LineClient, message: Known): Promise<void> {
    const name = `${OLD}${this.#next}-${this.#roll(1_000_000)}`;
    await said(imap, `CREATE ${name}`);
    await said(imap, `SUBSCRIBE ${name}`);
    await said(imap, `SETMETADATA ${name} (/private/comment "of no use")`);
    await said(imap, `UID COPY ${message.uid} ${name}`);
    await said(imap, `UNSUBSCRIBE ${name}`);
    await said(imap, `DELETE ${name}`);
  }

  async #fetch(imap: LineClient, { n, uid }: Known): Promise<void> {
    const lines = await answered(imap, `UID FETCH ${uid} BODY.PEEK[]`);
    assert.ok(
      lines.some((line) => line.includes(this.#text(n))),
      `${this.address}: the body of message ${n} is what was sent`,
    );
  }

  async #deliverAgain(server: TestServer): Promise<void> {
    const n = this.#undelivered;
    if (n === undefined) return;
    using lmtp = await dialLmtp(server.lmtpPort);
    await this.#send(lmtp, n);
  }

  async #cleanUp(imap: LineClient): Promise<void> {
    const lines = await answered(imap, `LIST "" ${OLD}*`);
    for (const line of lines) {
      const [name] = new RegExp(`${OLD}\\d+-\\d+`).exec(line) ?? [];
      if (name !== undefined) await said(imap, `DELETE ${name}`);
    }
  }

  /** Numbers and UIDs of a folder's messages, whose bodies must be whole. */
  async #read(imap: LineClient, folder: string): Promise<Map<number, number>> {
    await said(imap, `SELECT ${folder}`);
    const lines = await answered(imap, "UID FETCH 1:* (UID BODY.PEEK[])");
    const read = new Map<number, number>();
    for (const line of lines.filter((each) => /^\* \d+ FETCH/.test(each))) {
      const n = Number(/Message-ID: <m(\d+)@/.exec(line)?.[1]);
      assert.ok(line.includes(this.#text(n)), `${this.address}: the body of message ${n} is whole`);
      assert.ok(!read.has(n), `${this.address}: message ${n} is twice in ${folder}`);
      read.set(n, Number(/UID (\d+)/.exec(line)?.[1]));
    }
    await said(imap, "SELECT INBOX");
    return read;
  }

  /** One of those that are so, by the dice. */
  #any(isSo: (known: Known) => boolean): Known | undefined {
    const some = [...this.#messages.values()].filter(isSo);
    return some.length > 0 ? some[this.#roll(some.length)] : undefined;
  }

  #new(): number {
    const n = this.#next++;
    const sizeBytes = SIZES[this.#roll(10) === 0 ? 2 : this.#roll(2)] ?? 300;
    this.#messages.set(n, { n, places: ["INBOX", null], uid: undefined, sizeBytes });
    return n;
  }

  #certain(n: number, place: Place, uid?: number): void {
    const known = this.#messages.get(n);
    if (!known) return;
    known.places = [place];
    known.uid = uid;
  }

  #text(n: number): string {
    const line = `${this.address} ${n}: the quick brown fox jumps over the lazy dog.\r\n`;
    const lines = Math.ceil((this.#messages.get(n)?.sizeBytes ?? 0) / line.length);
    return `Message-ID: <m${n}@example.net>\r\nSubject: ${n}\r\n\r\n${line.repeat(lines)}`;
  }
}

/** All lines of an answer that must be OK. Trouble that may pass ends the session. */
async function answered(imap: LineClient, command: string): Promise<string[]> {
  const lines = await imap.imap(command);
  const tagged = lines.at(-1) ?? "";
  if (/ NO \[UNAVAILABLE\]/.test(tagged)) throw new Error(tagged);
  assert.match(tagged, / OK /, command.slice(0, 80));
  return lines;
}

async function said(imap: LineClient, command: string): Promise<string> {
  return (await answered(imap, command)).at(-1) ?? "";
}

/** The same for LMTP. */
async function replied(lmtp: LineClient, command: string): Promise<void> {
  const reply = (await lmtp.command(command)).at(-1) ?? "";
  if (reply.startsWith("4")) throw new Error(reply);
  assert.match(reply, /^[23]/, command.slice(0, 80));
}
