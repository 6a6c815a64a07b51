import { exitCodes } from "../app/exit_codes.ts";
import { hashPassword, knownScheme } from "../auth/passwords.ts";
import type { Option, Request } from "./command.ts";
import { Failure, usage } from "./failure.ts";

/** How new hashes may be made: seed documents and `HashScheme` name the same three. */
const SCHEMES = ["bcrypt", "ssha512", "sha512"] as const;

/** Options of commands that set a password. */
export const passwordOptions: Readonly<Record<string, Option>> = {
  password: {
    value: "PASSWORD",
    text: "the new password; other users of this machine may see it",
  },
  "password-stdin": { text: "read the new password from the standard input" },
  "password-hash": {
    value: "HASH",
    text: "a hash made elsewhere: {BLF-CRYPT}, {SSHA512}, {SHA512}, {ARGON2ID}, $2b$…",
  },
  hash: { value: "SCHEME", choices: SCHEMES, text: "how to hash the new password (bcrypt)" },
};

const SOURCES = ["password", "password-stdin", "password-hash"];

/** True when the command line says where a new password comes from. */
export function givesPassword({ options }: Request): boolean {
  return SOURCES.some((name) => options.has(name));
}

/**
 * The hash of the new password: as given, or of a password from the command line, the standard input
 * or a person. Throws `Failure` and `Refused`; never shows the password.
 */
export async function newPasswordHash(request: Request): Promise<string> {
  const { options } = request;
  const given = SOURCES.filter((name) => options.has(name));
  if (given.length > 1) throw usage(`give only one of --${given.join(" and --")}`);
  const hash = options.text("password-hash");
  if (hash !== undefined) {
    if (options.has("hash")) throw usage("--hash does not go with --password-hash");
    if (!knownScheme(hash)) throw usage("--password-hash: the hash has no form that Sora knows");
    return hash;
  }
  const password = options.text("password") ?? await readPassword(request);
  const scheme = SCHEMES.find((name) => name === options.text("hash")) ?? "bcrypt";
  return await hashPassword(password, { scheme, cost: request.setup().config.bcryptCost });
}

async function readPassword({ options, terminal }: Request): Promise<string> {
  if (options.has("password-stdin")) {
    return (await terminal.readInput()).replace(/\r?\n$/, "");
  }
  if (!terminal.isInteractive) {
    throw usage(
      "give --password, --password-stdin or --password-hash (there is no terminal to ask)",
    );
  }
  const first = await terminal.askPassword("New password");
  if (first === null) throw new Failure(exitCodes.failure, "given up");
  const second = await terminal.askPassword("The same again");
  if (first !== second) throw new Failure(exitCodes.failure, "the two passwords differ");
  return first;
}
