import assert from "node:assert/strict";
import type { ImapClient } from "../../support/imap.ts";

/** What a client has enabled, and so what it may be told. */
export type Mode = "plain" | "condstore" | "qresync" | "uidonly" | "rev2";

/** What ENABLE has to be asked for. */
export const ENABLES: Readonly<Record<Mode, string | null>> = {
  plain: null,
  condstore: "CONDSTORE",
  qresync: "QRESYNC",
  uidonly: "UIDONLY",
  rev2: "IMAP4rev2",
};

/** What a client believes about a message; undefined: it was never told. */
interface Believed {
  uid: number | undefined;
  flags: ReadonlySet<string> | undefined;
  modseq: number;
}

/** A set of messages as a client names it, and a change of their flags. */
export interface Change {
  /** Message numbers, or UIDs for a client that has no numbers. */
  readonly numbers: readonly number[];
  readonly mode: "+" | "-" | "";
  readonly flags: readonly string[];
}

const NUMBERED = /^\* (\d+) (EXISTS|EXPUNGE|FETCH|UIDFETCH|RECENT)(?: (.*))?$/s;
const VANISHED = /^\* VANISHED (\(EARLIER\) )?([\d:,]+)$/;
const HIGHEST = /OK \[HIGHESTMODSEQ (\d+)\]/;

/** So many lines tell how a disagreement came about. */
const LATELY_MAX = 60;

/** A client that believes everything it is told, and nothing else: RFC 3501 §5.2, §7.4, RFC 7162. */
export class BelievingClient {
  readonly messages: Believed[] = [];
  uidValidity = 0;
  /** RFC 7162 §3.2: everything up to here has been told. */
  highest = 0;
  /** Told as VANISHED (EARLIER) since SELECT. */
  readonly earlier = new Set<number>();
  /** Told as VANISHED since SELECT. */
  readonly lastVanished = new Set<number>();
  readonly #lately: string[] = [];

  constructor(readonly client: ImapClient, readonly mode: Mode = "plain") {}

  /** Enables what its mode needs. */
  async begin(): Promise<void> {
    const name = ENABLES[this.mode];
    if (name !== null) {
      assert.deepEqual(await this.client.ok(`ENABLE ${name}`), [`* ENABLED ${name}`]);
    }
  }

  get hasNumbers(): boolean {
    return this.mode !== "uidonly";
  }

  /** Forgets everything and opens the mailbox. */
  async select(mailbox: string, options = ""): Promise<void> {
    this.messages.length = 0;
    this.highest = 0;
    this.earlier.clear();
    this.lastVanished.clear();
    const lines = await this.client.ok(`SELECT ${mailbox}${options}`);
    const opened = lines[0]?.startsWith("* OK [CLOSED]") ? lines.slice(1) : lines;
    assert.ok(!opened.some((line) => line.startsWith("* OK [CLOSED]")), "closed twice or late");
    this.uidValidity = Number(/\[UIDVALIDITY (\d+)\]/.exec(opened.join("\n"))?.[1]);
    assert.equal(opened.some((line) => line.startsWith("* LIST ")), this.mode === "rev2");
    this.hear(opened);
  }

  /** Runs a command that must be OK, and believes what it says. */
  async run(command: string): Promise<string[]> {
    const all = await this.client.command(command);
    const [tagged = ""] = all.slice(-1);
    assert.match(tagged, /^OK /, command);
    const lines = all.slice(0, -1);
    if (/^(?:FETCH|STORE|SEARCH)/.test(command)) {
      assert.ok(!lines.some(isGone), `${command}: ${lines.join(" | ")}`);
    }
    this.hear(lines, command);
    if (this.mode === "qresync" && /EXPUNGE|MOVE/.test(command) && lines.some(isGone)) {
      // WHY not always: what has vanished may be what others expunged.
      const [, modseq] = HIGHEST.exec(tagged) ?? [];
      if (modseq !== undefined) this.highest = Number(modseq);
    }
    return lines;
  }

  /** STORE.SILENT: what the server does not contradict has happened. */
  async storeSilently({ numbers, mode, flags }: Change): Promise<void> {
    const store = this.hasNumbers ? "STORE" : "UID STORE";
    const command = `${store} ${numbers.join(",")} ${mode}FLAGS.SILENT (${flags.join(" ")})`;
    const lines = await this.run(command);
    for (const n of numbers) {
      const told = new RegExp(`^\\* ${n} (?:UID)?FETCH \\(.*FLAGS`);
      if (lines.some((line) => told.test(line))) continue;
      const message = this.hasNumbers ? this.messages[n - 1] : this.#byUid(n);
      if (!message) continue;
      if (mode === "") message.flags = new Set(flags);
      if (mode === "+") message.flags &&= message.flags.union(new Set(flags));
      if (mode === "-") message.flags &&= message.flags.difference(new Set(flags));
    }
  }

  /** Idles while something else happens. */
  async idle(meanwhile: () => Promise<void>): Promise<void> {
    await this.client.writeLine("idle IDLE");
    const before: string[] = [];
    while (!before.at(-1)?.startsWith("+")) before.push(await this.client.readResponse());
    await meanwhile();
    await this.client.writeLine("DONE");
    const lines = await this.client.until("idle");
    assert.equal(lines.pop(), "OK IDLE completed");
    this.hear([...before.slice(0, -1), ...lines]);
  }

  /** Believes what it hears, or says what it has heard lately. */
  hear(lines: readonly string[], command = ""): void {
    this.#lately.push(...(command === "" ? [] : [`C: ${command}`]), ...lines);
    this.#lately.splice(0, this.#lately.length - LATELY_MAX);
    try {
      this.#believe(lines, command);
    } catch (error) {
      if (error instanceof Error) error.message += `\nheard lately:\n${this.#lately.join("\n")}`;
      throw error;
    }
  }

  #believe(lines: readonly string[], command: string): void {
    const isFetch = /^(?:UID )?FETCH/.test(command);
    for (const line of lines) {
      const [, modseq] = HIGHEST.exec(line) ?? [];
      if (modseq !== undefined) this.highest = Number(modseq);
      const [, earlier, set] = VANISHED.exec(line) ?? [];
      if (set !== undefined) {
        this.#vanished(uidsOf(set), { isEarlier: earlier !== undefined, line });
      }
      const [, number, word, data = ""] = NUMBERED.exec(line) ?? [];
      const n = Number(number);
      if (word === "EXISTS") this.#exists(n, line);
      else if (word === "EXPUNGE") this.#expunged(n, line);
      else if (word === "RECENT") assert.notEqual(this.mode, "rev2", line);
      else if (word !== undefined) this.#fetched(n, data, { line, word, isFetch });
    }
  }

  #byUid(uid: number): Believed | undefined {
    return this.messages.find((message) => message.uid === uid);
  }

  #exists(count: number, line: string): void {
    assert.ok(count >= this.messages.length, `${line} after ${this.messages.length}`);
    while (this.messages.length < count) {
      this.messages.push({ uid: undefined, flags: undefined, modseq: 0 });
    }
  }

  #expunged(n: number, line: string): void {
    assert.ok(["plain", "condstore", "rev2"].includes(this.mode), `${line} for ${this.mode}`);
    assert.ok(n >= 1 && n <= this.messages.length, `${line} of ${this.messages.length}`);
    this.messages.splice(n - 1, 1);
  }

  #vanished(
    uids: readonly number[],
    { isEarlier, line }: { readonly isEarlier: boolean; readonly line: string },
  ): void {
    assert.ok(["qresync", "uidonly"].includes(this.mode), `${line} for ${this.mode}`);
    for (const uid of uids) {
      const at = this.messages.findIndex((message) => message.uid === uid);
      if (isEarlier) {
        assert.equal(at, -1, `${line}, which is still there`);
        this.earlier.add(uid);
        continue;
      }
      this.lastVanished.add(uid);
      const gone = at >= 0 ? at : this.#unnamed(uid);
      assert.ok(gone >= 0, `${line}: never announced`);
      this.messages.splice(gone, 1);
    }
  }

  /** Where a message must be whose UID the client has not asked for yet: in the order of UIDs. */
  #unnamed(uid: number): number {
    if (!this.hasNumbers) return this.messages.findIndex((message) => message.uid === undefined);
    const above = this.messages.findIndex((message) => (message.uid ?? 0) > uid);
    const before = above < 0 ? this.messages.length : above;
    const below = this.messages.findLastIndex((message) => (message.uid ?? Infinity) < uid);
    return before - 1 > below ? before - 1 : -1;
  }

  #fetched(
    n: number,
    data: string,
    { line, word, isFetch }: {
      readonly line: string;
      readonly word: string;
      readonly isFetch: boolean;
    },
  ): void {
    assert.equal(word, this.hasNumbers ? "FETCH" : "UIDFETCH", line);
    const uid = this.hasNumbers ? /UID (\d+)/.exec(data)?.[1] : `${n}`;
    const message = this.hasNumbers ? this.messages[n - 1] : this.#byUid(n) ?? this.#named(n);
    assert.ok(message, `${line} of ${this.messages.length}`);
    if (uid !== undefined) {
      assert.equal(message.uid ?? Number(uid), Number(uid), line);
      message.uid = Number(uid);
    }
    const [, modseq] = /MODSEQ \((\d+)\)/.exec(data) ?? [];
    const isCondstore = this.mode === "condstore" || this.mode === "qresync";
    if (!isFetch) {
      assert.equal(modseq !== undefined, isCondstore, line);
      assert.ok(uid !== undefined || this.mode === "plain", line);
    }
    if (modseq !== undefined) {
      assert.ok(Number(modseq) >= message.modseq, `${line} after ${message.modseq}`);
      message.modseq = Number(modseq);
      this.highest = Math.max(this.highest, message.modseq);
    }
    const flags = /FLAGS \(([^)]*)\)/.exec(data)?.[1];
    if (flags === undefined) return;
    assert.ok(this.mode !== "rev2" || !flags.includes("\\Recent"), line);
    const names = flags.split(" ").filter((name) => name !== "" && name !== "\\Recent");
    message.flags = new Set(names);
  }

  /** One of the newest messages turns out to have this UID. */
  #named(uid: number): Believed | undefined {
    const message = this.messages.find((each) => each.uid === undefined);
    if (message) message.uid = uid;
    this.messages.sort((a, b) => (a.uid ?? Infinity) - (b.uid ?? Infinity));
    return message;
  }
}

function isGone(line: string): boolean {
  return line.endsWith(" EXPUNGE") || VANISHED.test(line);
}

/** The numbers of `1:3,7`. */
export function uidsOf(set: string): number[] {
  return set.split(",").flatMap((range) => {
    const [low = 0, high = low] = range.split(":").map(Number);
    return Array.from({ length: high - low + 1 }, (_, at) => low + at);
  });
}
