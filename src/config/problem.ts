/** One thing that is wrong with a configuration, or that it should know (a warning). */
export interface Problem {
  /** The file as the operator named it; "environment" for a variable. */
  readonly file: string;
  /** 1-based; 0 when the problem has no place in the file. */
  readonly line: number;
  /** 1-based, in UTF-16 code units; 0 when the problem has no place in the file. */
  readonly column: number;
  /** The key as the operator wrote it, dotted; "" for the file as a whole. */
  readonly key: string;
  /** What is wrong and what is expected: one line, no secrets. */
  readonly message: string;
}

/** `file:line:column: key: message`, always one line. */
export function renderProblem(problem: Problem): string {
  return render(problem, "");
}

/** `file:line:column: warning: key: message`: the form that editors know from compilers. */
export function renderWarning(problem: Problem): string {
  return render(problem, "warning: ");
}

function render({ file, line, column, key, message }: Problem, label: string): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  const text = `${place}: ${label}${key === "" ? "" : `${key}: `}${message}`;
  return text.replaceAll(CONTROLS, (character) => JSON.stringify(character).slice(1, -1));
}

// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g;
