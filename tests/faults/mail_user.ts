import assert from "node:assert/strict";
import type { Roll } from "../support/dice.ts";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { LineClient } from "../support/line_client.ts";
import type { TestServer } from "../support/server.ts";

export const PASSWORD = "correct horse battery";
const FOLDERS = ["INBOX", "Archive"] as const;
/** Bodies of these sizes: in memory, in a spool file, more than one chunk. */
const SIZES = [300, 9_000, 300_000];

/** Where a message is; null: nowhere. */
type Place = (typeof FOLDERS)[number] | null;

/** What a user knows about one of the messages. */
interface Known {
  /** More than one while nobody knows whether the last change took effect. */
  places: readonly Place[];
  uid: number | undefined;
  readonly sizeBytes: number;
}

/**
 * One user with an MTA, who does one thing after the other and remembers what was acknowledged. When
 * the server dies, only the last thing is in doubt; `check` reads all mail and finds out.
 */
export class MailUser {
  readonly #messages = new Map<number, Known>();
  readonly #roll: Roll;
  #next = 0;
  /** A delivery that got no answer: an MTA tries it again. */
  #undelivered: number | undefined;
  /** Changes that were acknowledged. */
  acknowledged = 0;

  constructor(readonly address: string, roll: Roll) {
    this.#roll = roll;
  }

  /** Works until the server is gone. */
  async work(server: TestServer): Promise<void> {
    try {
      using lmtp = await dialLmtp(server.lmtpPort);
      using imap = await this.#login(server);
      for (;;) {
        await this.#act(imap, lmtp);
        this.acknowledged++;
      }
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
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
    const here = [...this.#messages].filter(([, { places, uid }]) =>
      places[0] === "INBOX" && uid !== undefined
    );
    const chosen = here.length > 0 ? here[this.#roll(here.length)] : undefined;
    const what = this.#roll(10);
    if (!chosen || what < 4) return await this.#deliver(lmtp);
    if (what < 6) return await this.#append(imap);
    const [, message] = chosen;
    if (what < 8) return await this.#move(imap, message);
    if (what < 9) return await this.#expunge(imap, message);
    await said(imap, `UID STORE ${message.uid} +FLAGS (\\Flagged $Seen-${this.#roll(3)})`);
  }

  async #deliver(lmtp: LineClient): Promise<void> {
    const n = this.#new();
    this.#undelivered = n;
    const [reply = ""] = await deliver(lmtp, this.#text(n), [this.address]);
    this.#undelivered = undefined;
    // WHY: trouble is an answer, too; an MTA tries again, and so does `check`.
    if (!reply.startsWith("250 ")) {
      assert.match(reply, /^4/);
      this.#undelivered = n;
      throw new Error(reply);
    }
    this.#certain(n, "INBOX");
  }

  async #append(imap: LineClient): Promise<void> {
    const n = this.#new();
    const text = this.#text(n);
    const tagged = await said(imap, `APPEND INBOX {${text.length}+}\r\n${text}`);
    this.#certain(n, "INBOX", Number(/APPENDUID \d+ (\d+)/.exec(tagged)?.[1]));
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

  async #deliverAgain(server: TestServer): Promise<void> {
    const n = this.#undelivered;
    if (n === undefined) return;
    using lmtp = await dialLmtp(server.lmtpPort);
    const [reply = ""] = await deliver(lmtp, this.#text(n), [this.address]);
    assert.match(reply, /^250 /, `${this.address}: message ${n} again`);
    this.#undelivered = undefined;
    this.#certain(n, "INBOX");
  }

  /** Numbers and UIDs of a folder's messages, whose bodies must be whole. */
  async #read(imap: LineClient, folder: string): Promise<Map<number, number>> {
    await said(imap, `SELECT ${folder}`);
    const lines = await imap.imap("UID FETCH 1:* (UID BODY.PEEK[])");
    assert.match(lines.at(-1) ?? "", / OK /);
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

  #new(): number {
    const n = this.#next++;
    const sizeBytes = SIZES[this.#roll(10) === 0 ? 2 : this.#roll(2)] ?? 300;
    this.#messages.set(n, { places: ["INBOX", null], uid: undefined, sizeBytes });
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

/** The tagged line, which must be OK. Trouble that may pass ends the session. */
async function said(imap: LineClient, command: string): Promise<string> {
  const tagged = (await imap.imap(command)).at(-1) ?? "";
  if (/ NO \[UNAVAILABLE\]/.test(tagged)) throw new Error(tagged);
  assert.match(tagged, / OK /, command.slice(0, 80));
  return tagged;
}
