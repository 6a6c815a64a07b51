import { NONE, NumberList } from "../../../lib/number_list.ts";
import { Refused } from "../../../lib/refused.ts";
import type { Steps } from "../../../lib/steps.ts";
import type { ThreadFacts } from "../../../store/read_thread_facts.ts";
import { Forest } from "./forest.ts";
import { IdTable } from "./id_table.ts";

/** Links between two pauses: some ms, even where they are made to be slow. */
const STEP = 4_096;
/**
 * Message ids, of messages and of those that are missing. WHY: so many take some 100 MB, and a table
 * that grows any further does it in one long step.
 */
const NODES_MAX = 1_000_000;
/** Three numbers of a table that is half empty, and seven others. */
const NODE_BYTES = 80;

/**
 * RFC 5256 §3 REFERENCES, steps 1 to 3: who replied to whom, by message ids alone. A node is a
 * message, or a dummy: an id that was only referred to, so far.
 */
export class ReferenceLinks {
  readonly #nodes = new IdTable();
  readonly #forest = new Forest();
  /** Node → the message's position; NONE for dummies. */
  readonly #positions = new NumberList();
  /** Position → node. */
  readonly #owners = new NumberList();
  #links = 0;

  /** The next messages, by ascending number. Throws `limit`. */
  *add({ ids, references }: Pick<ThreadFacts, "ids" | "references">): Steps<void> {
    for (const [at, own] of ids.entries()) {
      const list = references[at] ?? "";
      let parent = NONE;
      for (let start = 0; start < list.length;) {
        const space = list.indexOf(" ", start);
        const end = space < 0 ? list.length : space;
        const child = this.#node(list, start, end);
        // (1) (A) Only what has no parent gets one here.
        if (parent !== NONE && this.#forest.parentOf(child) === NONE) {
          this.#forest.link(parent, child);
        }
        parent = child;
        start = end + 1;
        if (++this.#links % STEP === 0) yield;
      }
      // (1) (B) The last reference is the parent, whoever was it before.
      const node = this.#message(own);
      if (parent !== this.#forest.parentOf(node)) {
        this.#forest.cut(node);
        if (parent !== NONE) this.#forest.link(parent, node);
      }
      if (++this.#links % STEP === 0) yield;
    }
  }

  /**
   * (2) and (3): for each position the position of its parent, NONE at the top. Dummies go, unless
   * they hold together several messages at the top: these get positions behind the messages'.
   */
  *parents(): Steps<NumberList> {
    const anchors = new NumberList();
    const counts = new Int32Array(this.#forest.size);
    const known = new Int32Array(this.#forest.size).fill(NONE);
    for (let position = 0; position < this.#owners.length; position++) {
      const anchor = this.#anchorOf(this.#owners.at(position), known);
      anchors.push(anchor);
      if (anchor !== NONE) counts[anchor] = (counts[anchor] ?? 0) + 1;
      if (position % STEP === 0) yield;
    }
    const parents = new NumberList();
    for (let position = 0; position < anchors.length; position++) parents.push(NONE);
    const dummies = new Int32Array(this.#forest.size).fill(NONE);
    for (let position = 0; position < anchors.length; position++) {
      if (position % STEP === 0) yield;
      const anchor = anchors.at(position);
      let parent = anchor === NONE ? NONE : this.#positions.at(anchor);
      if (parent === NONE && (counts[anchor] ?? 0) > 1) {
        parent = dummies[anchor] ?? NONE;
        if (parent === NONE) parent = dummies[anchor] = parents.push(NONE);
      }
      parents.put(position, parent);
    }
    return parents;
  }

  /** The nearest ancestor that is a message, else the highest dummy; NONE for what is at the top. */
  #anchorOf(node: number, known: Int32Array): number {
    let at = this.#forest.parentOf(node);
    const passed: number[] = [];
    while (at !== NONE && this.#positions.at(at) === NONE) {
      const further = known[at] ?? NONE;
      const next = further === NONE ? this.#forest.parentOf(at) : further;
      if (next === NONE) break;
      passed.push(at);
      at = next;
    }
    // WHY: the way up is gone once only, or long chains that many hang on would be quadratic.
    for (const dummy of passed) known[dummy] = at;
    return at;
  }

  /** About how much memory this takes. */
  get sizeBytes(): number {
    return this.#forest.size * NODE_BYTES;
  }

  #node(text: string, start: number, end: number): number {
    const known = this.#nodes.find(text, start, end);
    if (known !== NONE) return known;
    const node = this.#newNode(NONE);
    this.#nodes.keep(node);
    return node;
  }

  /** The node of the next message: of several with one id, only the first has it. */
  #message(id: string): number {
    const position = this.#owners.length;
    let node = id === "" ? this.#newNode(position) : this.#node(id, 0, id.length);
    const other = this.#positions.at(node);
    if (other === NONE) this.#positions.put(node, position);
    else if (other !== position) node = this.#newNode(position);
    this.#owners.push(node);
    return node;
  }

  #newNode(position: number): number {
    if (this.#forest.size >= NODES_MAX) throw new Refused({ kind: "limit", what: "message ids" });
    this.#forest.add();
    return this.#positions.push(position);
  }
}
