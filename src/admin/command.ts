import type { Setup } from "./setup.ts";
import type { Terminal } from "./terminal.ts";

/** An option of a subcommand: `--name VALUE`, or `--name` alone. */
export interface Option {
  /** What stands for its value in help; undefined: it takes none. */
  readonly value?: string;
  readonly required?: boolean;
  readonly text: string;
  /** The only values that are taken. */
  readonly choices?: readonly string[];
}

/** A subcommand of sora-admin. */
export interface Command {
  /** The words it is called by: "accounts create". */
  readonly name: string;
  /** Other words for the same. */
  readonly aliases?: readonly string[];
  /** One line for the list of commands. */
  readonly summary: string;
  /** More for its own help. */
  readonly details?: string;
  readonly options: Readonly<Record<string, Option>>;
  /** A line to copy. */
  readonly example: string;
  run(request: Request): Promise<Answer>;
}

/** What a subcommand gets. */
export interface Request {
  readonly options: OptionValues;
  readonly terminal: Terminal;
  /** Reads the configuration, as `--config` and `--data` say. Throws `Failure`. */
  setup(): Setup;
}

/** What a subcommand answers: for people, and for `--json`. */
export interface Answer {
  readonly text: string;
  readonly json: unknown;
  /** 0 when missing. */
  readonly exitCode?: number;
}

/** Options as they were given; checked against the table of the command. */
export class OptionValues {
  readonly #values: ReadonlyMap<string, string | true>;

  constructor(values: ReadonlyMap<string, string | true>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value of an option that takes one. */
  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return value === true ? undefined : value;
  }

  /** The value of a required option. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new Error(`Cannot run without --${name}`);
    return value;
  }
}
