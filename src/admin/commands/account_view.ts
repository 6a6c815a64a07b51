import { parseAddress } from "../../lib/address.ts";
import type { Account } from "../../store/accounts.ts";
import type { Option, OptionValues } from "../command.ts";
import { usage } from "../failure.ts";

/** The option that names an account. */
export const emailOption: Option = {
  value: "ADDRESS",
  required: true,
  text: "address of the account",
};

/** The address of `--email`, normalised. Throws `Failure` (usage). */
export function emailOf(options: OptionValues): string {
  const text = options.required("email");
  const address = parseAddress(text);
  if (!address) throw usage(`--email: ${JSON.stringify(text)} is no mail address`);
  if (address.detail !== null) {
    throw usage(`--email: an account's address has no "+detail": ${address.base}`);
  }
  return address.base;
}

/** An account as JSON shows it: without any hash. */
export function accountJson(account: Account): unknown {
  return {
    address: account.address,
    createdAt: account.createdAt.toISOString(),
    deletedAt: account.deletedAt?.toISOString() ?? null,
    credentials: account.credentials.map((credential) => ({
      address: credential.address,
      isPrimary: credential.isPrimary,
      scheme: schemeOf(credential.passwordHash),
      createdAt: credential.createdAt.toISOString(),
      updatedAt: credential.updatedAt.toISOString(),
    })),
  };
}

/** The scheme of a hash, never the hash: "BLF-CRYPT". */
export function schemeOf(hash: string): string {
  const [, name] = /^\{([\w.-]{1,32})\}/.exec(hash) ?? [];
  return name?.toUpperCase() ?? (hash.startsWith("$2") ? "BLF-CRYPT" : "unknown");
}
