import type { Sequence } from "../../lib/ids.ts";
import type { MailboxStore } from "../../store/mailboxes.ts";
import type { MessageStore } from "../../store/messages.ts";
import type { Enabled } from "../enabled.ts";
import type { RightsWatch } from "./rights_watch.ts";
import type { Held } from "./uid_maps.ts";

/** What a view asks of the services. */
export interface ViewServices {
  readonly mailboxes: Pick<MailboxStore, "claimRecent">;
}

/** A mailbox that is being opened; see `openView`. */
export interface Opened {
  readonly rights: RightsWatch;
  /** As this user sees them: RFC 4314 §5.2 \Seen is not shared. */
  readonly messages: MessageStore;
  /** EXAMINE: nothing may be changed, not even \Recent and \Seen. */
  readonly readOnly: boolean;
  /** The first message without \Seen when the mailbox was selected: RFC 3501 §7.1 UNSEEN. */
  readonly firstUnseen: Sequence | undefined;
  /** What this client has switched on, now and later. */
  readonly enabled: Enabled;
  readonly held: Held;
}
