/**
 * The client's bytes do not follow the grammar: answered `BAD`. The text says which rule was
 * expected and where, never what the client sent, so that nothing hostile is echoed.
 */
export class WireError extends Error {
  override readonly name = "WireError";
  /** True when the text ends where a literal's octets should follow: nothing is wrong so far. */
  readonly incomplete: boolean;
  /** The response code of the reply, without brackets. */
  readonly code: string | undefined;

  /**
   * @param expected the RFC's name of the rule that was not met
   * @param at octets from the start of the command to where it should have begun
   */
  constructor(
    expected: string,
    at: number,
    { incomplete = false, code }: {
      readonly incomplete?: boolean;
      readonly code?: string | undefined;
    } = {},
  ) {
    super(`Expected ${expected} at octet ${at}`);
    this.incomplete = incomplete;
    this.code = code;
  }

  /** For what is wrong with a command as a whole; text and response code are the reply's. */
  static because(text: string, code?: string): WireError {
    const error = new WireError("", 0, { code });
    error.message = text;
    return error;
  }
}
