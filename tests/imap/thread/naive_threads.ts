/** A message as the model sees it; its number is its place in the list, counted from 1. */
export interface ModelMessage {
  readonly id: string | null;
  readonly references: readonly string[];
  /** Any number: later is larger. */
  readonly date: number;
  readonly subject: string;
  readonly isReply: boolean;
}

/** RFC 5256 §3 word by word, with objects and walks of any length: what the fast ones must equal. */
export function naiveThreads(
  algorithm: "ORDEREDSUBJECT" | "REFERENCES" | "REFS",
  messages: readonly ModelMessage[],
): string {
  if (algorithm === "ORDEREDSUBJECT") return naiveSubjects(messages);
  const root = linked(messages);
  root.children = root.children.flatMap((child) => pruned(child, true));
  if (algorithm === "REFERENCES") {
    sort(root);
    gather(root);
  }
  sort(root);
  if (algorithm === "REFS") root.children.sort((a, b) => compare(latest(a), latest(b)));
  return root.children.map((child) => `(${render(child)})`).join("");
}

class Node {
  message: ModelMessage | null = null;
  number = 0;
  parent: Node | null = null;
  children: Node[] = [];

  adopt(child: Node): void {
    child.orphan();
    child.parent = this;
    this.children.push(child);
  }

  orphan(): void {
    if (this.parent) this.parent.children = this.parent.children.filter((each) => each !== this);
    this.parent = null;
  }

  descendsFrom(other: Node): boolean {
    if (this === other) return true;
    return this.parent?.descendsFrom(other) ?? false;
  }
}

function linked(messages: readonly ModelMessage[]): Node {
  const table = new Map<string, Node>();
  const all: Node[] = [];
  const nodeOf = (id: string) => {
    let node = table.get(id);
    if (!node) {
      node = new Node();
      all.push(node);
      table.set(id, node);
    }
    return node;
  };
  for (const [at, message] of messages.entries()) {
    let node = message.id === null ? null : nodeOf(message.id);
    if (!node || node.message) {
      node = new Node();
      all.push(node);
    }
    node.message = message;
    node.number = at + 1;
    let previous: Node | null = null;
    for (const id of message.references) {
      const next = nodeOf(id);
      if (previous && !next.parent && !previous.descendsFrom(next)) previous.adopt(next);
      previous = next;
    }
    node.orphan();
    if (previous && !previous.descendsFrom(node)) previous.adopt(node);
  }
  const root = new Node();
  root.children = all.filter(({ parent }) => parent === null);
  return root;
}

/** (3), from the leaves up. */
function pruned(node: Node, isTop: boolean): Node[] {
  node.children = node.children.flatMap((child) => pruned(child, false));
  if (node.message) return [node];
  return isTop && node.children.length > 1 ? [node] : node.children;
}

function sort(node: Node): void {
  for (const child of node.children) sort(child);
  node.children.sort((a, b) => compare(first(a), first(b)));
}

function first(node: Node): Node {
  return node.message ? node : node.children[0] ?? node;
}

function latest(node: Node): Node {
  const below = node.children.map(latest);
  return [...below, ...(node.message ? [node] : [])].sort(compare).at(-1) ?? node;
}

function compare(a: Node, b: Node): number {
  return (a.message?.date ?? 0) - (b.message?.date ?? 0) || a.number - b.number;
}

/** (5) */
function gather(root: Node): void {
  const table = new Map<string, Node>();
  for (const child of root.children) {
    const subject = first(child).message?.subject ?? "";
    if (subject === "") continue;
    const known = table.get(subject);
    if (!known) table.set(subject, child);
    else if (
      known.message && (!child.message || known.message.isReply && !child.message.isReply)
    ) table.set(subject, child);
  }
  for (const child of [...root.children]) {
    const subject = first(child).message?.subject ?? "";
    const known = table.get(subject);
    if (subject === "" || !known || known === child) continue;
    const leave = (node: Node) => root.children = root.children.filter((each) => each !== node);
    if (!known.message && !child.message) {
      known.children.push(...child.children);
      leave(child);
    } else if (!known.message || child.message?.isReply && !known.message.isReply) {
      known.children.push(child);
      leave(child);
    } else {
      const dummy = new Node();
      dummy.children = [known, child];
      leave(known);
      leave(child);
      root.children.push(dummy);
      table.set(subject, dummy);
    }
  }
}

function naiveSubjects(messages: readonly ModelMessage[]): string {
  const sorted = messages.map((message, at) => ({ ...message, number: at + 1 }))
    .sort((a, b) => a.date - b.date || a.number - b.number);
  const subjects = [...new Set(sorted.map(({ subject }) => subject))];
  return subjects.map((subject) => {
    const [head, ...others] = sorted.filter((each) => each.subject === subject)
      .map(({ number }) => String(number));
    if (others.length < 2) return `(${[head, ...others].join(" ")})`;
    return `(${head} ${others.map((other) => `(${other})`).join("")})`;
  }).join("");
}

function render({ number, message, children }: Node): string {
  const [only] = children;
  const below = only && children.length === 1
    ? render(only)
    : children.map((child) => `(${render(child)})`).join("");
  if (!message) return below;
  return below === "" ? `${number}` : `${number} ${below}`;
}
