import assert from "node:assert/strict";
import type { ImapClient } from "../../support/imap.ts";

/** What a client believes about a message; undefined: it was never told. */
interface Believed {
  uid: number | undefined;
  flags: ReadonlySet<string> | undefined;
}

/** A set of messages as a client names it, and a change of their flags. */
export interface Change {
  readonly numbers: readonly number[];
  readonly mode: "+" | "-" | "";
  readonly flags: readonly string[];
}

const RESPONSE = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)(?: (.*))?$/s;

/** A client that believes everything it is told, and nothing else: RFC 3501 §5.2, §7.4. */
export class BelievingClient {
  readonly messages: Believed[] = [];

  constructor(readonly client: ImapClient) {}

  /** Forgets everything and opens the mailbox. */
  async select(mailbox: string): Promise<void> {
    this.messages.length = 0;
    this.hear(await this.client.ok(`SELECT ${mailbox}`));
  }

  /** Runs a command that must be OK, and believes what it says. */
  async run(command: string): Promise<string[]> {
    const lines = await this.client.ok(command);
    if (/^(?:FETCH|STORE|SEARCH)/.test(command)) {
      assert.ok(
        !lines.some((line) => line.endsWith("EXPUNGE")),
        `${command}: ${lines.join(" | ")}`,
      );
    }
    this.hear(lines);
    return lines;
  }

  /** STORE.SILENT: what the server does not contradict has happened. */
  async storeSilently({ numbers, mode, flags }: Change): Promise<void> {
    const command = `STORE ${numbers.join(",")} ${mode}FLAGS.SILENT (${flags.join(" ")})`;
    const lines = await this.run(command);
    for (const n of numbers) {
      if (lines.some((line) => line.startsWith(`* ${n} FETCH`))) continue;
      const message = this.messages[n - 1];
      assert.ok(message, command);
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
    this.hear(lines);
  }

  hear(lines: readonly string[]): void {
    for (const line of lines) {
      const [, number, word, data = ""] = RESPONSE.exec(line) ?? [];
      if (word === undefined) continue;
      if (word === "EXISTS") this.#exists(Number(number), line);
      else if (word === "EXPUNGE") this.#expunged(Number(number), line);
      else this.#fetched(Number(number), data, line);
    }
  }

  #exists(count: number, line: string): void {
    assert.ok(count >= this.messages.length, `${line} after ${this.messages.length}`);
    while (this.messages.length < count) this.messages.push({ uid: undefined, flags: undefined });
  }

  #expunged(n: number, line: string): void {
    assert.ok(n >= 1 && n <= this.messages.length, `${line} of ${this.messages.length}`);
    this.messages.splice(n - 1, 1);
  }

  #fetched(n: number, data: string, line: string): void {
    const message = this.messages[n - 1];
    assert.ok(message, `${line} of ${this.messages.length}`);
    const uid = /UID (\d+)/.exec(data)?.[1];
    const flags = /FLAGS \(([^)]*)\)/.exec(data)?.[1];
    if (uid !== undefined) {
      assert.equal(message.uid ?? Number(uid), Number(uid), line);
      message.uid = Number(uid);
    }
    if (flags === undefined) return;
    const names = flags.split(" ").filter((name) => name !== "" && name !== "\\Recent");
    message.flags = new Set(names);
  }
}
