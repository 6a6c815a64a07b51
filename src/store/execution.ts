import { Buffer } from "node:buffer";
import type { Writable } from "node:stream";
// @ts-types="npm:@types/pg@8.23.1"
import pg from "pg";
import { serialize } from "pg-protocol";
import { type Parameter, parameter } from "./parameter.ts";
import type { Statement } from "./sql.ts";

/** The driver's connection, as far as a statement needs it. */
interface Wire {
  readonly parsedStatements: Readonly<Record<string, string>>;
  readonly submittedNamedStatements: Record<string, string>;
  readonly stream: Writable;
  sendCopyFail(message: string): void;
}

const EXECUTE = Buffer.concat([serialize.execute(), serialize.sync()]);
const DESCRIBE = serialize.describe({ type: "P" });

type Parse = (text: string) => unknown;

/** Of the rows of a statement. */
export interface Layout {
  readonly names: readonly string[];
  readonly parsers: readonly Parse[];
  /** WHY: a copy of a row with all its columns is made faster than a row column by column. */
  readonly empty: Readonly<Record<string, unknown>>;
}

const NO_ROWS: Layout = { names: [], parsers: [], empty: {} };

interface Field {
  readonly name: string;
  readonly dataTypeID: number;
}

/** What statements on one connection have in common. */
export interface ExecutionOptions {
  /** Of its prepared statements, by name: found out with the first answer. */
  readonly layouts: Map<string, Layout>;
  readonly parserOf: (type: number) => Parse;
}

/**
 * One run of one statement, for `pg.Client.query`. WHY not the driver's `Query`: that asks for the
 * layout of the rows each time, though a prepared statement never changes it (it fails before), which is
 * a tenth of the cost of a short read on either side.
 */
export class Execution<R> {
  /** Of the prepared statement; "" when it has none. Read by the driver, as is `text`. */
  readonly name: string;
  readonly text: string;
  readonly answer: Promise<R[]>;
  readonly #values: Parameter[];
  readonly #asArrays: boolean;
  readonly #options: ExecutionOptions;
  readonly #done: PromiseWithResolvers<R[]> = Promise.withResolvers();
  readonly #rows: unknown[] = [];
  #layout: Layout | undefined;
  #error: unknown;

  /** Throws for values that no parameter can be made of. */
  constructor(statement: Statement, options: ExecutionOptions) {
    this.name = statement.name ?? "";
    this.text = statement.text;
    this.#values = statement.values.map(parameter);
    this.#asArrays = statement.rowMode === "array";
    this.#options = options;
    this.answer = this.#done.promise;
  }

  submit(wire: Wire): null {
    const { name, text } = this;
    const { parsedStatements: parsed, submittedNamedStatements: submitted } = wire;
    this.#layout = this.#options.layouts.get(name);
    const messages = [serialize.bind({ statement: name, values: this.#values }), EXECUTE];
    if (!this.#layout) messages.splice(1, 0, DESCRIBE);
    if (name === "" || parsed[name] === undefined && submitted[name] === undefined) {
      messages.unshift(serialize.parse({ name, text }));
      if (name !== "") submitted[name] = text;
    }
    // WHY in one piece: each is a system call of its own otherwise, and wakes the server.
    if (wire.stream.writable) wire.stream.write(Buffer.concat(messages));
    return null;
  }

  handleRowDescription({ fields }: { readonly fields: readonly Field[] }): void {
    const names = fields.map(({ name }) => name);
    this.#keep({
      names,
      parsers: fields.map(({ dataTypeID }) => this.#options.parserOf(dataTypeID)),
      empty: Object.fromEntries(names.map((name) => [name, null])),
    });
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.#error !== undefined) return;
    try {
      this.#rows.push(this.#row(fields));
    } catch (error) {
      this.#error = error;
    }
  }

  handleCommandComplete(): void {
    if (!this.#layout) this.#keep(NO_ROWS);
  }

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleCopyInResponse(wire: Wire): void {
    wire.sendCopyFail("No data to copy");
  }

  handleCopyData(): void {}

  handleError(error: unknown): void {
    this.#done.reject(error);
  }

  handleReadyForQuery(): void {
    if (this.#error !== undefined) this.#done.reject(this.#error);
    else this.#done.resolve(this.#rows as R[]);
  }

  #keep(layout: Layout): void {
    this.#layout = layout;
    if (this.name !== "") this.#options.layouts.set(this.name, layout);
  }

  #row(fields: readonly (string | null)[]): unknown {
    const { names, parsers, empty } = this.#layout ?? NO_ROWS;
    if (this.#asArrays) {
      return fields.map((text, at) => text === null ? null : parsers[at]?.(text));
    }
    const row: Record<string, unknown> = { ...empty };
    for (let at = 0; at < fields.length; at++) {
      const text = fields[at];
      if (text !== null && text !== undefined) row[names[at] ?? ""] = parsers[at]?.(text);
    }
    return row;
  }
}

// WHY: of queries that are not its own the driver takes none on a connection where many are under way;
// it cannot know that this one keeps no portal open. Its constructor costs more than all of this.
Object.setPrototypeOf(Execution.prototype, pg.Query.prototype);
