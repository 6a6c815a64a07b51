import { Refused } from "../lib/refused.ts";
import type { Completion, Context } from "./command.ts";

/** What LOGIN and AUTHENTICATE PLAIN bring, as Unicode; null: not UTF-8, so nobody's. */
export interface Credentials {
  readonly userid: string | null;
  readonly password: string | null;
}

/** Every cause of failure looks the same to the client: `bad-credentials`. */
export async function logIn(
  { userid, password }: Credentials,
  { services: { authenticator, config, warmer }, connection, loginAllowed, enter, capabilities }:
    Context<
      "greeted"
    >,
): Promise<Completion> {
  // RFC 3501 §6.2.3: LOGINDISABLED is honoured before anything is looked at.
  if (!loginAllowed) throw new Refused({ kind: "login-disabled" });
  if (userid === null || password === null) throw new Refused({ kind: "bad-credentials" });
  const user = await authenticator.login({
    address: userid,
    password,
    protocol: "imap",
    serverName: config.name,
    remote: connection.remote,
    session: connection.id,
  });
  enter({ state: "authenticated", user });
  warmer?.warm(user.accountId);
  // RFC 3501 §6.2.3: capabilities may have changed; a code saves the client a command.
  return { code: `CAPABILITY ${capabilities()}`, text: "Logged in" };
}
