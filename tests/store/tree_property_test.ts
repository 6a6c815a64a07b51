import assert from "node:assert/strict";
import { Refused } from "../../src/lib/refused.ts";
import { mailboxKey, parentNames } from "../../src/store/mailbox_name.ts";
import { openFixture } from "./fixture.ts";

/*
 * Trees of names under CREATE, DELETE and RENAME, against a model that is a plain list of names: the
 * same names, the same refusals, and every name begins with its levels' exact letters.
 */
const SEEDS = [106, 119, 120, 124];
const STEPS = 500;
const LEVELS = ["a", "A", "a0", "b", "B", "a_", "a%", "é", "É", "e\u0301"];

class Model {
  names: string[] = [];

  find(name: string): string | undefined {
    return this.names.find((each) => mailboxKey(each) === mailboxKey(name));
  }

  /** The letters of a level that others begin with. */
  level(name: string): string | undefined {
    const below = `${mailboxKey(name)}/`;
    const child = this.names.find((each) => mailboxKey(each).startsWith(below));
    return child?.split("/").slice(0, name.split("/").length).join("/");
  }

  /** As it will be spelled, and the parents that it lacks. */
  place(name: string): { readonly name: string; readonly missing: readonly string[] } {
    const missing: string[] = [];
    let spelled = "";
    for (const path of [...parentNames(name), name]) {
      const own = `${spelled}${spelled && "/"}${path.slice(path.lastIndexOf("/") + 1)}`;
      const known = this.find(own) ?? this.level(own);
      if (known === undefined && path !== name) missing.push(own);
      spelled = known ?? own;
    }
    return { name: spelled, missing };
  }

  create(name: string): string | null {
    if (this.find(name) !== undefined) return "mailbox-exists";
    const { name: spelled, missing } = this.place(name);
    this.names.push(...missing, spelled);
    return null;
  }

  delete(name: string): string | null {
    const found = this.find(name);
    if (found === undefined) {
      return this.level(name) === undefined ? "no-such-mailbox" : "mailbox-has-children";
    }
    this.names = this.names.filter((each) => each !== found);
    return null;
  }

  rename(from: string, to: string): string | null {
    const source = this.find(from) ?? this.level(from);
    if (source === undefined) return "no-such-mailbox";
    const [fromKey, toKey] = [mailboxKey(from), mailboxKey(to)];
    if (toKey.startsWith(`${fromKey}/`)) return "bad-mailbox-name";
    const taken = this.find(to);
    if (taken !== undefined && (fromKey !== toKey || taken === to)) return "mailbox-exists";
    const { name, missing } = this.place(to);
    const parent = name.slice(0, name.lastIndexOf("/") + 1);
    const target = fromKey === toKey ? parent + to.slice(to.lastIndexOf("/") + 1) : name;
    const moves = (each: string) => `${mailboxKey(each)}/`.startsWith(`${fromKey}/`);
    const stay = this.names.filter((each) => !moves(each));
    const moved = this.names.filter(moves).map((each) => {
      // Below the new name each level has the letters that it has there already.
      let spelled = target;
      for (const level of each.slice(source.length).split("/").slice(1)) {
        const key = mailboxKey(`${spelled}/${level}`);
        const other = stay.find((name) => `${mailboxKey(name)}/`.startsWith(`${key}/`));
        spelled = other?.slice(0, key.length) ?? `${spelled}/${level}`;
      }
      return spelled;
    });
    const keys = new Set([...stay, ...missing].map(mailboxKey));
    if (moved.some((each) => keys.has(mailboxKey(each)))) return "mailbox-exists";
    this.names = [...stay, ...missing, ...moved];
    return null;
  }
}

for (const seed of SEEDS) {
  Deno.test(`trees of names are those of a simple model, seed ${seed}`, async () => {
    await using it = await openFixture();
    const { mailboxes, account } = it;
    const model = new Model();
    model.names = (await mailboxes.list(account)).map(({ name }) => name);
    const random = generator(seed);
    const anyName = () =>
      Array.from({ length: 1 + random(3) }, () => LEVELS[random(LEVELS.length)]).join("/")
        .normalize("NFC");
    const known = () => model.names[random(model.names.length)] ?? anyName();
    for (let step = 0; step < STEPS; step++) {
      const [from, to] = [random(3) > 0 ? known() : anyName(), anyName()];
      if (from === "INBOX") continue;
      const what = (["create", "delete", "rename", "rename"] as const)[random(4)] ?? "create";
      const expected = what === "rename"
        ? model.rename(from, to)
        : model[what](what === "create" ? to : from);
      const work = what === "rename"
        ? mailboxes.rename(account, from, to)
        : mailboxes[what](account, what === "create" ? to : from);
      const happened = await Promise.resolve(work).then(() => null, kindOf);
      assert.equal(happened, expected, `step ${step}: ${what} ${from} ${to}`);
      const names = (await mailboxes.list(account)).map(({ name }) => name);
      const told = `step ${step}: ${what} ${from} ${to}`;
      assert.deepEqual(names.toSorted(), model.names.toSorted(), told);
      checkSpelling(names, told);
    }
  });
}

/** Two names that share a level share its letters. */
function checkSpelling(names: readonly string[], told: string): void {
  const spelled = new Map<string, string>();
  for (const name of names) {
    for (const level of [...parentNames(name), name]) {
      const before = spelled.get(mailboxKey(level)) ?? level;
      assert.equal(level, before, told);
      spelled.set(mailboxKey(level), level);
    }
  }
}

function kindOf(error: unknown): string {
  if (error instanceof Refused) return error.refusal.kind;
  throw error;
}

/** 0 ≤ random(n) < n, the same for the same seed. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}
