import { NONE, type NumberList } from "../../../lib/number_list.ts";
import type { Steps } from "../../../lib/steps.ts";

/** Messages between two pauses. */
const STEP = 16_384;
/** Characters of one piece of a response. */
const PIECE_CHARS = 16 * 1024;

/**
 * Messages as trees, siblings in their order. A message is its position among those that were
 * searched; a position behind theirs is a dummy: a parent that is missing, always at the top.
 */
export interface Threads {
  readonly messages: number;
  readonly roots: readonly number[];
  /** By position; NONE where there is none. */
  readonly firstChild: Int32Array;
  readonly nextSibling: Int32Array;
}

/**
 * RFC 5256 §3 step 6: every set of siblings by date, a dummy by its first child. `order`: all
 * positions by date, so that appending in that order is all there is to do.
 */
export function* arrange(parents: NumberList, order: Uint32Array): Steps<Threads> {
  const roots: number[] = [];
  const firstChild = new Int32Array(parents.length).fill(NONE);
  const nextSibling = new Int32Array(parents.length).fill(NONE);
  const lastChild = new Int32Array(parents.length).fill(NONE);
  for (const [at, position] of order.entries()) {
    if (at % STEP === 0) yield;
    const parent = parents.at(position);
    if (parent === NONE) {
      roots.push(position);
      continue;
    }
    const last = lastChild[parent] ?? NONE;
    if (last === NONE) firstChild[parent] = position;
    else nextSibling[last] = position;
    lastChild[parent] = position;
    if (last === NONE && parent >= order.length) roots.push(parent);
  }
  return { messages: order.length, roots, firstChild, nextSibling };
}

/**
 * The pieces of a response, each of bounded length, with the numbers that messages have:
 *
 *     thread-list    = "(" (thread-members / thread-nested) ")"               RFC 5256 §5
 *     thread-members = nz-number *(SP nz-number) [SP thread-nested]
 *     thread-nested  = 2*thread-list
 */
export function* renderThreads(
  { messages, roots, firstChild, nextSibling }: Threads,
  numberOf: (position: number) => number,
): Generator<string> {
  // WHY: chains are as deep as strangers like, and the call stack is not.
  const open: number[] = [];
  let text = "";
  for (const root of roots) {
    open.push(root);
    for (let position = open.pop(); position !== undefined; position = open.pop()) {
      if (text.length >= PIECE_CHARS) {
        yield text;
        text = "";
      }
      if (position === NONE) {
        text += ")";
        continue;
      }
      text += "(";
      open.push(NONE);
      let at = position;
      let child = firstChild[at] ?? NONE;
      if (at < messages) text += numberOf(at);
      while (at < messages && child !== NONE && (nextSibling[child] ?? NONE) === NONE) {
        at = child;
        child = firstChild[at] ?? NONE;
        text += ` ${numberOf(at)}`;
        if (text.length >= PIECE_CHARS) {
          yield text;
          text = "";
        }
      }
      if (at < messages && child !== NONE) text += " ";
      const from = open.length;
      for (; child !== NONE; child = nextSibling[child] ?? NONE) open.push(child);
      reverse(open, from);
    }
  }
  if (text !== "") yield text;
}

/** WHY: siblings are taken from the end. */
function reverse(list: number[], from: number): void {
  let high = list.length - 1;
  for (let low = from; low < high; low++) {
    const value = list[low] ?? NONE;
    list[low] = list[high] ?? NONE;
    list[high--] = value;
  }
}
