import { NumberSet } from "../../lib/number_set.ts";
import { transfer, type WantedTransfer } from "../../delivery/transfer.ts";
import type { Copied } from "../../store/messages.ts";
import { command, type Completion, type Context } from "../command.ts";
import { flagRights } from "../flag_rights.ts";
import { refuseAboveLimit } from "../message_limit.ts";
import { spannedUids } from "../view/uid_list.ts";
import type { Scanner } from "../wire/scanner.ts";
import type { SequenceSet } from "../wire/sequence_set.ts";

/** COPY and UID COPY: RFC 3501 §6.4.7, all messages or none. */
export const copy = command("COPY", {
  states: ["selected"],
  uid: true,
  tryCreate: true,
  parse: transferArguments,
  async execute(wanted, context): Promise<Completion> {
    const { session: { user }, services, made } = context;
    const plan = await transferOf(wanted, context);
    // RFC 3501 §6.4.8: UIDs that do not exist are ignored without any error.
    if (plan.uids.isEmpty) return {};
    const copied = await transfer(user, { ...plan, move: false }, services);
    made(plan.to.id, NumberSet.from(copied.target));
    return { code: copyUid(copied) ?? undefined };
  },
});

/** What COPY and MOVE are to do. */
export interface TransferArguments {
  readonly set: SequenceSet;
  readonly target: string;
}

export function transferArguments(wire: Scanner): TransferArguments {
  return { set: wire.sp().sequenceSet(), target: wire.sp().mailbox() };
}

/**
 * The messages and where they go. RFC 4314 §4: with flags that the user may set there. Throws
 * `no-such-mailbox`, `not-permitted`, `too-many-messages`.
 */
export async function transferOf(
  { set, target }: TransferArguments,
  context: Context<"selected">,
): Promise<Omit<WantedTransfer, "move">> {
  const { session: { user, view }, services, uid } = context;
  const ranges = view.ranges(set, uid);
  const to = await services.access.find(user, target, ["i"]);
  refuseAboveLimit(ranges, context);
  return {
    from: view.mailbox,
    uids: spannedUids(view.list, ranges),
    to,
    within: flagRights(to.rights),
  };
}

/**
 * Null when nothing was copied: each set names at least one message.
 *
 *     resp-code-copy = "COPYUID" SP nz-number SP uid-set SP uid-set         RFC 4315 §4
 */
export function copyUid({ uidValidity, source, target }: Copied): string | null {
  if (source.length === 0) return null;
  return `COPYUID ${uidValidity} ${NumberSet.from(source)} ${NumberSet.from(target)}`;
}
