import accounts from "./0001_accounts.sql" with { type: "text" };
import mailboxes from "./0002_mailboxes.sql" with { type: "text" };
import messages from "./0003_messages.sql" with { type: "text" };
import messageTexts from "./0004_message_texts.sql" with { type: "text" };
import sortKeys from "./0005_sort_keys.sql" with { type: "text" };
import sharing from "./0006_sharing.sql" with { type: "text" };
import metadata from "./0007_metadata.sql" with { type: "text" };
import expungedFloor from "./0008_expunged_floor.sql" with { type: "text" };
import quotas from "./0009_quotas.sql" with { type: "text" };
import previews from "./0010_previews.sql" with { type: "text" };
import uploads from "./0011_uploads.sql" with { type: "text" };
import cleanup from "./0012_cleanup.sql" with { type: "text" };
import scrub from "./0013_scrub.sql" with { type: "text" };
import manifests from "./0014_manifests.sql" with { type: "text" };
import orphans from "./0015_orphans.sql" with { type: "text" };

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
  { version: 4, name: "0004_message_texts", text: messageTexts },
  { version: 5, name: "0005_sort_keys", text: sortKeys },
  { version: 6, name: "0006_sharing", text: sharing },
  { version: 7, name: "0007_metadata", text: metadata },
  { version: 8, name: "0008_expunged_floor", text: expungedFloor },
  { version: 9, name: "0009_quotas", text: quotas },
  { version: 10, name: "0010_previews", text: previews },
  { version: 11, name: "0011_uploads", text: uploads },
  { version: 12, name: "0012_cleanup", text: cleanup },
  { version: 13, name: "0013_scrub", text: scrub },
  { version: 14, name: "0014_manifests", text: manifests },
  { version: 15, name: "0015_orphans", text: orphans },
];
