import { Buffer } from "node:buffer";
import { NONE, NumberList } from "../../../lib/number_list.ts";
import { Refused } from "../../../lib/refused.ts";
import type { Steps } from "../../../lib/steps.ts";
import type { ThreadFacts } from "../../../store/read_thread_facts.ts";
import { Forest } from "./forest.ts";

/** Links between two pauses: some ms, even where they are made to be slow. */
const STEP = 4_096;
/**
 * Message ids, of messages and of those that are missing. WHY: so many take some 200 MB, and a map
 * that grows any further does it in one long step.
 */
const NODES_MAX = 1_000_000;
/** Characters of a list of references that may stay in memory for one of them: copying takes longer. */
const LIST_KEPT_MAX = 512;
/** A string and its place in a map, and seven numbers. */
const NODE_BYTES = 110;

/**
 * RFC 5256 §3 REFERENCES, steps 1 to 3: who replied to whom, by message ids alone. A node is a
 * message, or a dummy: an id that was only referred to, so far.
 */
export class ReferenceLinks {
  readonly #nodes = new Map<string, number>();
  readonly #forest = new Forest();
  /** Node → the message's position; NONE for dummies. */
  readonly #positions = new NumberList();
  /** Position → node. */
  readonly #owners = new NumberList();
  #links = 0;
  #idChars = 0;

  /** The next messages, by ascending number. Throws `limit`. */
  *add({ ids, references }: Pick<ThreadFacts, "ids" | "references">): Steps<void> {
    for (const [at, own] of ids.entries()) {
      const list = references[at] ?? "";
      const isLong = list.length > LIST_KEPT_MAX;
      const size = this.#forest.size;
      let parent = NONE;
      for (const id of separate(list)) {
        const child = this.#nodes.get(id) ?? this.#newNode(isLong ? detached(id) : id, NONE);
        // (1) (A) Only what has no parent gets one here.
        if (parent !== NONE && this.#forest.parentOf(child) === NONE) {
          this.#forest.link(parent, child);
        }
        parent = child;
        if (++this.#links % STEP === 0) yield;
      }
      if (!isLong && this.#forest.size > size) this.#idChars += list.length;
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
    return this.#idChars + this.#forest.size * NODE_BYTES;
  }

  /** The node of the next message: of several with one id, only the first has it. */
  #message(id: string): number {
    const position = this.#owners.length;
    let node = id === "" ? NONE : this.#nodes.get(id) ?? NONE;
    if (node === NONE) node = this.#newNode(id, position);
    else if (this.#positions.at(node) !== NONE) node = this.#newNode("", position);
    else this.#positions.put(node, position);
    this.#owners.push(node);
    return node;
  }

  #newNode(id: string, position: number): number {
    if (this.#forest.size >= NODES_MAX) throw new Refused({ kind: "limit", what: "message ids" });
    const node = this.#positions.push(position);
    this.#forest.add();
    if (id !== "") this.#nodes.set(id, node);
    this.#idChars += id.length;
    return node;
  }
}

/** WHY: V8 keeps a whole list in memory for a piece of it. */
function detached(id: string): string {
  return Buffer.from(id).toString();
}

function separate(references: string): readonly string[] {
  return references === "" ? [] : references.split(" ");
}
