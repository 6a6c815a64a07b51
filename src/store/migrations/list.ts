import accounts from "./0001_accounts.sql" with { type: "text" };
import mailboxes from "./0002_mailboxes.sql" with { type: "text" };
import messages from "./0003_messages.sql" with { type: "text" };

/** One step of the schema. Never changed once released; a new step is added instead. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly text: string;
}

/** Every migration in order; imported as text, so that a compiled program carries them. */
export const migrations: readonly Migration[] = [
  { version: 1, name: "0001_accounts", text: accounts },
  { version: 2, name: "0002_mailboxes", text: mailboxes },
  { version: 3, name: "0003_messages", text: messages },
];
