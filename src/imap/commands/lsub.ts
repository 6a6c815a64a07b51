import { sharedPace } from "../../lib/pace.ts";
import { DELIMITER, mailboxKey, parentNames } from "../../store/mailbox_name.ts";
import { command } from "../command.ts";
import { ListPattern } from "../list_pattern.ts";

/**
 * LSUB: RFC 3501 §6.3.9. Subscribed names, whether they exist or not; those that do not, and levels
 * that only stand for something below them, carry \Noselect.
 */
export const lsub = command("LSUB", {
  states: ["authenticated", "selected"],
  parse(wire) {
    const reference = wire.sp().listMailbox();
    const pattern = wire.sp().listMailbox();
    return reference === null || pattern === null ? null : reference + pattern;
  },
  async execute(pattern, { session: { user }, services: { mailboxes, access }, reply }) {
    if (pattern === null) return;
    const wanted = new ListPattern(pattern);
    const [names, existing] = await Promise.all([
      mailboxes.subscriptions(user.accountId),
      access.list(user),
    ]);
    const selectable = new Set(existing.map(({ name }) => mailboxKey(name)));
    const shown = new Map<string, string>();
    for (const name of names) {
      await sharedPace.breathe();
      if (wanted.matches(name)) {
        shown.set(name, selectable.has(mailboxKey(name)) ? "" : "\\Noselect");
        continue;
      }
      // RFC 3501 §6.3.9: with the pattern "%", "foo/bar" stands for "foo".
      for (const parent of parentNames(name)) {
        await sharedPace.breathe();
        if (!shown.has(parent) && wanted.matches(parent)) shown.set(parent, "\\Noselect");
      }
    }
    for (const [name, attributes] of shown) {
      await sharedPace.breathe();
      reply.untagged(`LSUB (${attributes}) "${DELIMITER}" ${reply.mailbox(name)}`);
      await reply.drained();
    }
  },
});
