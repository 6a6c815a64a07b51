import { AccountStore } from "../store/accounts.ts";
import type { Database } from "../store/database.ts";

/** RFC 2606 §3: a domain that is nobody's. */
const DEMO_ADDRESS = "demo@example.org";
/** WHY: 16 of 32 letters are 80 bits. Without letters that look alike, as a person may type it. */
const PASSWORD_LETTERS = 16;
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";

/** An account that was just made; the password is known to nobody else. */
export interface DemoAccount {
  readonly address: string;
  readonly password: string;
}

/** Makes a demo account where there is no account at all; null where there is one. */
export async function makeDemoAccount(
  database: Database,
  hash: (password: string) => Promise<string>,
): Promise<DemoAccount | null> {
  const accounts = new AccountStore(database);
  const [existing] = await accounts.list({ deleted: "any", limit: 1 });
  if (existing) return null;
  const password = randomPassword();
  await accounts.create({ address: DEMO_ADDRESS, passwordHash: await hash(password) });
  return { address: DEMO_ADDRESS, password };
}

function randomPassword(): string {
  const octets = crypto.getRandomValues(new Uint8Array(PASSWORD_LETTERS));
  return Array.from(octets, (octet) => LETTERS[octet % LETTERS.length]).join("");
}
