import { NONE, NumberList } from "../../../lib/number_list.ts";

/**
 * Trees of the nodes 0, 1, 2 …, each with at most one parent, never in a loop. WHY link-cut trees
 * (Sleator and Tarjan, 1983): strangers decide who refers to whom, and whether a link would make a
 * loop takes O(log n) here, amortised, however deep the trees are and however often links are cut.
 */
export class Forest {
  readonly #parents = new NumberList();
  readonly #children = new NumberList();
  // Each tree is cut up into paths, each path is a splay tree by depth: left is nearer to the root.
  // `up` leads to the splay tree's parent, or from its root to the node that the path hangs on.
  readonly #left = new NumberList();
  readonly #right = new NumberList();
  readonly #up = new NumberList();

  get size(): number {
    return this.#parents.length;
  }

  /** A new node without parent; nodes are counted from 0. */
  add(): number {
    this.#children.push(0);
    this.#left.push(NONE);
    this.#right.push(NONE);
    this.#up.push(NONE);
    return this.#parents.push(NONE);
  }

  /** NONE for a root. */
  parentOf(node: number): number {
    return this.#parents.at(node);
  }

  /** Hangs a root on a node; false, and nothing is done, when that would make a loop. */
  link(parent: number, root: number): boolean {
    if (parent === root) return false;
    // WHY: most have no children when they get their parent, and can be nobody's ancestor.
    if (this.#children.at(root) > 0) {
      if (this.#rootOf(parent) === root) return false;
      this.#expose(root);
    }
    this.#up.put(root, parent);
    this.#parents.put(root, parent);
    this.#children.put(parent, this.#children.at(parent) + 1);
    return true;
  }

  /** Takes a node off its parent, if it has one. */
  cut(node: number): void {
    const parent = this.#parents.at(node);
    if (parent === NONE) return;
    this.#expose(node);
    this.#up.put(this.#left.at(node), NONE);
    this.#left.put(node, NONE);
    this.#parents.put(node, NONE);
    this.#children.put(parent, this.#children.at(parent) - 1);
  }

  #rootOf(node: number): number {
    this.#expose(node);
    let root = node;
    for (let next = this.#left.at(root); next !== NONE; next = this.#left.at(next)) root = next;
    this.#splay(root); // WHY: pays for the way there
    return root;
  }

  /** Makes the path from the root to this node one splay tree, the node its root. */
  #expose(node: number): void {
    let below = NONE;
    for (let at = node; at !== NONE; at = this.#up.at(at)) {
      this.#splay(at);
      this.#right.put(at, below);
      below = at;
    }
    this.#splay(node);
  }

  #splay(node: number): void {
    while (this.#isInner(node)) {
      const parent = this.#up.at(node);
      if (this.#isInner(parent)) {
        const isLeft = this.#left.at(parent) === node;
        const isParentLeft = this.#left.at(this.#up.at(parent)) === parent;
        this.#rotate(isLeft === isParentLeft ? parent : node);
      }
      this.#rotate(node);
    }
  }

  /** True unless the node is the root of its splay tree. */
  #isInner(node: number): boolean {
    const up = this.#up.at(node);
    return up !== NONE && (this.#left.at(up) === node || this.#right.at(up) === node);
  }

  #rotate(node: number): void {
    const parent = this.#up.at(node);
    const above = this.#up.at(parent);
    const isInner = this.#isInner(parent);
    const isLeft = this.#left.at(parent) === node;
    const [near, far] = isLeft ? [this.#left, this.#right] : [this.#right, this.#left];
    const moved = far.at(node);
    near.put(parent, moved);
    if (moved !== NONE) this.#up.put(moved, parent);
    far.put(node, parent);
    this.#up.put(parent, node);
    this.#up.put(node, above);
    if (!isInner) return;
    if (this.#left.at(above) === parent) this.#left.put(above, node);
    else this.#right.put(above, node);
  }
}
