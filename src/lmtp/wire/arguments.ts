import { wireError } from "../replies.ts";
import { type Path, readPath } from "./path.ts";

/** RFC 5321 §4.1.2 esmtp-param list, names in upper case; a name without a value has "". */
export type Parameters = ReadonlyMap<string, string>;

/** Parameters of one command; more than any set of extensions has. */
const PARAMETERS_MAX = 32;

/**
 * The arguments of MAIL and RCPT.
 *
 *     mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF     RFC 5321 §4.1.1.2
 *     rcpt = "RCPT TO:" Forward-path [SP Rcpt-parameters] CRLF       RFC 5321 §4.1.1.3
 */
export function readPathCommand(
  args: string,
  { word, enhanced }: { readonly word: "FROM" | "TO"; readonly enhanced: string },
): { readonly path: Path; readonly parameters: Parameters } {
  if (args.slice(0, word.length + 1).toUpperCase() !== `${word}:`) {
    throw wireError(501, "5.5.4", `Say ${word === "FROM" ? "MAIL FROM" : "RCPT TO"}:<address>`);
  }
  // QUIRK: many clients put a space behind the colon; RFC 5321 §4.1.1.2 has none.
  const rest = args.slice(word.length + 1).replace(/^ +/, "");
  const end = closingBracket(rest);
  if (end < 0) throw wireError(501, enhanced, "The address must be in angle brackets");
  const after = rest.slice(end + 1);
  if (after !== "" && !after.startsWith(" ")) {
    throw wireError(501, "5.5.4", "A space must follow the address");
  }
  return { path: readPath(rest.slice(1, end), { enhanced }), parameters: readParameters(after) };
}

/** Refuses arguments where a command has none. */
export function readNothing(args: string): void {
  if (args.trim() !== "") throw wireError(501, "5.5.4", "No arguments are allowed");
}

/** Where the path ends; a bracket within quotes is not it. */
function closingBracket(text: string): number {
  if (!text.startsWith("<")) return -1;
  let quoted = false;
  for (let i = 1; i < text.length; i++) {
    const c = text[i];
    if (quoted && c === "\\") i++;
    else if (c === '"') quoted = !quoted;
    else if (c === ">" && !quoted) return i;
  }
  return -1;
}

/** esmtp-param = esmtp-keyword ["=" esmtp-value] */
const PARAMETER = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e\x80-\xff]+))?$/;

function readParameters(text: string): Parameters {
  const parameters = new Map<string, string>();
  for (const token of text.split(" ")) {
    if (token === "") continue;
    const [, name, value = ""] = PARAMETER.exec(token) ?? [];
    if (name === undefined || parameters.size >= PARAMETERS_MAX) {
      throw wireError(501, "5.5.4", "Cannot read the parameters");
    }
    if (parameters.has(name.toUpperCase())) {
      throw wireError(501, "5.5.4", "A parameter is given twice");
    }
    parameters.set(name.toUpperCase(), value);
  }
  return parameters;
}
