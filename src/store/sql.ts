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
  if (fragments.length === 0) return new Sql([""], []);
  const between = Array<string>(fragments.length - 1).fill(separator);
  return new Sql(["", ...between, ""], fragments);
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
const known = new Map<string, Known>();

/** What is found out about a text once. */
type Known = Pick<Compiled, "name" | "isPureRead">;

const PURE_READ = /^\s*SELECT\b(?!.*\bFOR (?:NO KEY )?UPDATE\b)/s;

/** Text and parameters of a statement. */
export function compile(statement: Sql): Compiled {
  const text: string[] = [];
  const values: unknown[] = [];
  const prepared = flatten(statement, text, values);
  const whole = text.join("");
  return {
    text: whole,
    values,
    ...(prepared ? knownAs(whole) : { isPureRead: PURE_READ.test(whole) }),
    ...(statement.options.arrays ? { rowMode: "array" as const } : {}),
  };
}

/** Appends a statement with its fragments; tells whether all of it may be prepared. */
function flatten(statement: Sql, text: string[], values: unknown[]): boolean {
  let prepared = statement.options.prepared;
  for (const [at, piece] of statement.strings.entries()) {
    text.push(piece);
    if (at >= statement.parts.length) continue;
    const part = statement.parts[at];
    if (part instanceof Sql) prepared = flatten(part, text, values) && prepared;
    else text.push(`$${values.push(part)}`);
  }
  return prepared;
}

function knownAs(text: string): Known {
  let as = known.get(text);
  if (as) return as;
  as = { isPureRead: PURE_READ.test(text) };
  if (known.size >= NAMES_MAX) return as;
  as = { ...as, name: `sora_${known.size}` };
  known.set(text, as);
  return as;
}
