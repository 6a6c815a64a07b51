import { DELIMITER, mailboxKey } from "../store/mailbox_name.ts";

/**
 * A list-mailbox pattern, matched in time pattern × name, whatever it is.
 *
 * RFC 3501 §6.3.8: `*` matches anything, `%` anything but the delimiter. Names are compared without
 * case, as mailboxes are found.
 */
export class ListPattern {
  readonly #tokens: string;
  readonly #literals: number;
  /** For each beginning of the pattern: does it match what was read of the name? */
  readonly #row: Uint8Array;

  /** @param pattern reference and mailbox argument joined, as Unicode */
  constructor(pattern: string) {
    // WHY: a run of wildcards means what its widest member means, and costs as much as one.
    this.#tokens = mailboxKey(pattern)
      .replace(/[*%]+/g, (run) => run.includes("*") ? "*" : "%");
    this.#literals = this.#tokens.replace(/[*%]/g, "").length;
    this.#row = new Uint8Array(this.#tokens.length + 1);
  }

  matches(name: string): boolean {
    const key = mailboxKey(name);
    if (this.#tokens === "*") return true;
    if (this.#literals > key.length) return false;
    this.#begin();
    for (const character of units(key)) this.#read(character);
    return this.#row.at(-1) === 1;
  }

  #begin(): void {
    const row = this.#row.fill(0);
    row[0] = 1;
    for (let i = 0; isWildcard(this.#tokens[i]) && row[i] === 1; i++) row[i + 1] = 1;
  }

  #read(character: string): void {
    const row = this.#row;
    let before = row[0] ?? 0; // what row[i] was before this character
    row[0] = 0;
    for (let i = 0; i < this.#tokens.length; i++) {
      const token = this.#tokens[i];
      const here = row[i + 1] ?? 0;
      if (token === "*" || token === "%") {
        const takes = token === "*" || character !== DELIMITER ? here : 0;
        row[i + 1] = (row[i] ?? 0) | takes;
      } else row[i + 1] = token === character ? before : 0;
      before = here;
    }
  }
}

function isWildcard(token: string | undefined): boolean {
  return token === "*" || token === "%";
}

/** WHY: by UTF-16 unit, as the pattern is indexed; both sides split a pair alike. */
function units(text: string): string[] {
  return text.split("");
}
