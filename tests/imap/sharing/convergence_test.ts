import assert from "node:assert/strict";
import { type ImapClient, makeWorld, SHARING } from "../../support/imap.ts";
import { dice } from "../../support/dice.ts";

/*
 * Two users with two sessions each change one mailbox at random, on two workers. What each client has
 * been told must be what it is: \Seen of its own user, all else of everybody.
 */
const STEPS = 60;
const BODY = "Subject: x\r\n\r\nx\r\n";
const FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "$Label"];

/** What a client knows: the flags of each message, by what it has been told. */
class Told {
  readonly flags: (string | null)[] = [];
  modseq = 0;

  constructor(readonly client: ImapClient, readonly mailbox: string) {}

  async say(command: string): Promise<void> {
    for (const line of await this.client.ok(command)) this.hear(line);
  }

  async append(command: string): Promise<void> {
    for (const line of await this.client.literal(command, BODY)) this.hear(line);
  }

  hear(line: string): void {
    const [, number = "", what = ""] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)/.exec(line) ?? [];
    const n = Number(number);
    if (what === "EXPUNGE") this.flags.splice(n - 1, 1);
    if (what === "EXISTS") { while (this.flags.length < n) this.flags.push(null); }
    const [, modseq] = /MODSEQ \((\d+)\)/.exec(line) ?? [];
    this.modseq = Math.max(this.modseq, Number(modseq ?? 0));
    const [, flags] = /FLAGS \(([^)]*)\)/.exec(line) ?? [];
    if (what === "FETCH" && flags !== undefined) this.flags[n - 1] = sorted(flags);
  }
}

function sorted(flags: string): string {
  return flags.split(" ").filter((flag) => flag !== "\\Recent").sort().join(" ");
}

for (const seed of [1, 2, 3]) {
  Deno.test(`sessions of two users converge, seed ${seed}`, async () => {
    await using world = await makeWorld("two-messages", { sharing: SHARING, workers: 2 });
    await world.addAccount("bob@example.org");
    const admin = await world.login();
    await admin.ok("SETACL INBOX bob@example.org lrswite");
    const sessions: Told[] = [];
    const mailboxes = {
      "ada@example.org": "INBOX",
      "bob@example.org": "Users/ada@example.org/INBOX",
    };
    for (const [user, mailbox] of Object.entries(mailboxes)) {
      for (const worker of [0, 1]) {
        const told = new Told(await world.login({ user, worker }), mailbox);
        await told.say("ENABLE CONDSTORE");
        await told.say(`SELECT ${mailbox}`);
        await told.say("FETCH 1:* (FLAGS)");
        sessions.push(told);
      }
    }
    const random = dice(seed);
    const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
    for (let step = 0; step < STEPS; step++) {
      const told = pick(sessions);
      const count = told.flags.length;
      const number = count === 0 ? "1:*" : `${1 + random(count)}:${1 + random(count)}`;
      const change = pick(["+FLAGS", "-FLAGS", "FLAGS", "+FLAGS.SILENT"]);
      const stores = `STORE ${number} ${change} (${pick(FLAGS)}${
        random(2) ? ` ${pick(FLAGS)}` : ""
      })`;
      switch (random(8)) {
        case 0:
          await told.append(`APPEND ${told.mailbox} (${pick(FLAGS)})`);
          break;
        case 1:
          await told.say("EXPUNGE");
          break;
        case 2:
          await told.say(count === 0 ? "NOOP" : `FETCH ${number} (BODY[TEXT])`);
          break;
        case 3:
          await told.say("NOOP");
          break;
        default:
          // WHY: SILENT keeps from a client what it did itself, which this model does not follow.
          if (count > 0) await told.say(stores.replace(".SILENT", ""));
      }
    }
    for (const told of sessions) {
      await told.say("CHECK");
      const known = [...told.flags];
      const since = told.modseq;
      if (known.length > 0 && since > 0) {
        const changed = await told.client.ok(`FETCH 1:* (UID) (CHANGEDSINCE ${since})`);
        const unknown = known.flatMap((flags, at) => flags === null ? [at + 1] : []);
        for (const line of changed) assert.ok(unknown.includes(Number(line.split(" ")[1])), line);
      }
      if (known.length > 0) await told.say("FETCH 1:* (FLAGS)");
      assert.deepEqual(known.map((flags, at) => flags ?? told.flags[at]), told.flags);
    }
    const [ada, adaToo, bob, bobToo] = sessions.map(({ flags }) => flags);
    assert.deepEqual(ada, adaToo);
    assert.deepEqual(bob, bobToo);
    const shared = (flags: readonly (string | null)[] = []) =>
      flags.map((one) => one?.replace("\\Seen", "").trim().replaceAll("  ", " "));
    assert.deepEqual(shared(ada), shared(bob));
  });
}
