/** What `sora` exits with; the numbers are those of sysexits.h. `--help` prints them. */
export const exitCodes = {
  /** Ended because it was told to. */
  ok: 0,
  /** Something failed while it ran; the log says what. */
  failure: 1,
  /** The command line is wrong. */
  usage: 64,
  /** The database cannot be reached or used. */
  unavailable: 69,
  /** A bug: a worker hangs, or none of them can be started. */
  internal: 70,
  /** The data folder cannot be made, or another Sora holds it. */
  cannotCreate: 73,
  /** A server's address is in use or cannot be had. */
  addressInUse: 75,
  /** The configuration is wrong; every problem is named. */
  config: 78,
} as const;

export type ExitCode = typeof exitCodes[keyof typeof exitCodes];

/** Why Sora could not start, in words for the operator: one or more lines, no stack. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";

  constructor(readonly exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
