import { type KeyPath, PositionIndex } from "./position_index.ts";
import type { Problem } from "./problem.ts";

/**
 * Collects what is wrong. Checks speak of keys by their present names; the report knows under which
 * name and where the operator wrote them.
 */
export class Report {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #file: string;
  readonly #positions: PositionIndex;
  readonly #origins = new Map<string, KeyPath>();

  constructor(file: string, text: string) {
    this.#file = file;
    this.#positions = new PositionIndex(text);
  }

  /** From now on `path` (and what is below) means what the operator wrote at `written`. */
  moved(path: KeyPath, written: KeyPath): void {
    this.#origins.set(JSON.stringify(path), written);
  }

  /** The key as it was written. */
  written(path: KeyPath): KeyPath {
    for (let length = path.length; length > 0; length--) {
      const origin = this.#origins.get(JSON.stringify(path.slice(0, length)));
      if (origin) return [...origin, ...path.slice(length)];
    }
    return path;
  }

  /** Something that stops the start; one for each key is enough. */
  problem(path: KeyPath, message: string): void {
    const problem = this.#describe(path, message);
    if (this.problems.some(({ key }) => key === problem.key && key !== "")) return;
    this.problems.push(problem);
  }

  /** Something that the operator should know. */
  warn(path: KeyPath, message: string): void {
    this.warnings.push(this.#describe(path, message));
  }

  /** `servers.imap.addr (line 12)`, for a message about another key. */
  mention(path: KeyPath): string {
    const written = this.written(path);
    return `${dotted(written)} (line ${this.#positions.at(written).line})`;
  }

  #describe(path: KeyPath, message: string): Problem {
    const written = this.written(path);
    const { line, column } = this.#positions.at(written);
    return { file: this.#file, line, column, key: dotted(written), message };
  }
}

/** Problems in the order of the file. */
export function inFileOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** A key as TOML writes it, with `[n]` for the elements of arrays, counted from 0. */
export function dotted(path: KeyPath): string {
  let text = "";
  for (const name of path) {
    if (typeof name === "number") text += `[${name}]`;
    else text += (text === "" ? "" : ".") + (/^[\w-]+$/.test(name) ? name : JSON.stringify(name));
  }
  return text;
}
