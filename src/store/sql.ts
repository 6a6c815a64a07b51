/** How a statement is to be run. */
interface SqlOptions {
  /** Kept as a prepared statement; false for texts of which there may be any number. */
  readonly prepared: boolean;
  /** Rows as arrays of columns instead of objects. */
  readonly arrays: boolean;
}

/**
 * One statement: text with $1 … and its values. Make one with the tag `sql`; nothing else may build
 * SQL text from values.
 */
export class Sql {
  constructor(
    readonly strings: readonly string[],
    readonly parts: readonly unknown[],
    readonly options: SqlOptions = { prepared: true, arrays: false },
  ) {}

  /** The same statement, planned anew each time: for texts that are composed at run time. */
  unprepared(): Sql {
    return new Sql(this.strings, this.parts, { ...this.options, prepared: false });
  }

  /** The same statement with rows as arrays: half the cost for long, narrow results. */
  asArrays(): Sql {
    return new Sql(this.strings, this.parts, { ...this.options, arrays: true });
  }
}

/** A value becomes a parameter, an `Sql` becomes part of the text. */
export function sql(strings: TemplateStringsArray, ...values: readonly unknown[]): Sql {
  return new Sql(strings, values);
}

/** Joins fragments: `joined([a, b], " AND ")`; the separator is SQL text. */
export function joined(fragments: readonly Sql[], separator: string): Sql {
  return new Sql(between(fragments.length, separator), fragments);
}

/** Joins of so many fragments are texts that come again. */
const FRAGMENTS_MAX = 30;
const separators = new Map<string, readonly string[]>();

/** WHY the same array again: a text is known by its pieces. */
function between(count: number, separator: string): readonly string[] {
  const key = `${count} ${separator}`;
  const same = separators.get(key);
  if (same) return same;
  const made = count === 0 ? [""] : ["", ...Array<string>(count - 1).fill(separator), ""];
  if (count <= FRAGMENTS_MAX) separators.set(key, made);
  return made;
}

/** What the driver takes. */
export interface Statement {
  readonly text: string;
  readonly values: unknown[];
  /** Of the prepared statement; the same text has the same name everywhere in this isolate. */
  readonly name?: string;
  readonly rowMode?: "array";
}

/** What `compile` makes. */
export interface Compiled extends Statement {
  /** It changes nothing and locks nothing. */
  readonly isPureRead: boolean;
}

/** More different texts than Sora has call sites; beyond it statements are simply not prepared. */
const NAMES_MAX = 500;
/** More than all those texts have pieces. */
const PLACES_MAX = 20_000;

/** What is found out about a text once. */
type Known = Pick<Compiled, "text" | "name" | "isPureRead">;

/** A place on the way through the pieces of a statement. WHY: to find the text costs more than to keep it. */
interface Place {
  readonly next: Map<unknown, Place>;
  known?: Known;
}

const start: Place = { next: new Map() };
let places = 0;
const known = new Map<string, Known>();

const PURE_READ = /^\s*SELECT\b(?!.*\bFOR (?:NO KEY )?UPDATE\b)/s;

/** Text and parameters of a statement. */
export function compile(statement: Sql): Compiled {
  const values: unknown[] = [];
  const place = follow(statement, start, values);
  const facts = place ? place.known ??= knownAs(textOf(statement)) : unnamed(textOf(statement));
  return { ...facts, values, ...(statement.options.arrays ? { rowMode: "array" as const } : {}) };
}

/** Collects the values; answers the place behind the last piece, null for a text that is not kept. */
function follow(statement: Sql, from: Place | null, values: unknown[]): Place | null {
  let place = statement.options.prepared ? step(from, statement.strings) : null;
  for (const part of statement.parts) {
    if (part instanceof Sql) place = follow(part, place, values);
    else {
      values.push(part);
      place = step(place, VALUE);
    }
  }
  return place;
}

/** Stands for any value. */
const VALUE = Symbol("value");

function step(from: Place | null, piece: unknown): Place | null {
  if (!from) return null;
  const next = from.next.get(piece);
  if (next || places >= PLACES_MAX) return next ?? null;
  const made: Place = { next: new Map() };
  from.next.set(piece, made);
  places++;
  return made;
}

function textOf(statement: Sql): string {
  let text = "";
  let count = 0;
  const append = ({ strings, parts }: Sql): void => {
    for (const [at, piece] of strings.entries()) {
      text += piece;
      if (at >= parts.length) continue;
      const part = parts[at];
      if (part instanceof Sql) append(part);
      else text += `$${++count}`;
    }
  };
  append(statement);
  return text;
}

/** The same text has the same name, whatever pieces it is made of. */
function knownAs(text: string): Known {
  const same = known.get(text);
  if (same) return same;
  const facts = unnamed(text);
  if (known.size >= NAMES_MAX) return facts;
  const named = { ...facts, name: `sora_${known.size}` };
  known.set(text, named);
  return named;
}

function unnamed(text: string): Known {
  return { text, isPureRead: PURE_READ.test(text) };
}
