import { fromBinary } from "../../lib/bytes.ts";
import type { Modseq } from "../../lib/ids.ts";
import { Refused } from "../../lib/refused.ts";
import type { MetadataChange } from "../../store/metadata.ts";
import { isPrivate, metadataName } from "../../store/metadata_name.ts";
import { command } from "../command.ts";
import type { Scanner } from "../wire/scanner.ts";
import { metadataTarget } from "./getmetadata.ts";

/**
 * SETMETADATA: RFC 5464 §4.3, all entries or none. NIL removes an entry. What all users of the server
 * share is not theirs to change.
 *
 *     setmetadata  = "SETMETADATA" SP mailbox SP entry-values
 *     entry-values = "(" entry SP value *(SP entry SP value) ")"
 */
export const setMetadata = command("SETMETADATA", {
  states: ["authenticated", "selected"],
  capability: "METADATA",
  parse: (wire) => ({
    mailbox: wire.sp().mailbox(),
    changes: wire.sp().list(() => change(wire)),
  }),
  async execute({ mailbox, changes }, context) {
    const { services: { access, mailboxes, metadata }, session: { user } } = context;
    const target = await metadataTarget(mailbox, context);
    if (changes.some(({ name }) => !isPrivate(name))) {
      if (!target.mailbox) throw new Refused({ kind: "not-permitted" });
      await access.find(user, mailbox, ["w"]);
    }
    await metadata.set(target, changes);
    const { notices } = mailboxes;
    notices.accountChanged(user.accountId);
    // WHY: all who watch the mailbox; that no message of it has changed does not matter to them.
    if (target.mailbox) notices.changed(target.mailbox.id, 1 as Modseq);
  },
});

function change(wire: Scanner): MetadataChange {
  const name = metadataName(wire.astring()) ?? wire.fail("entry");
  const value = wire.sp().value();
  return { name, value: value === null ? null : fromBinary(value) };
}
