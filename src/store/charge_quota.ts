import type { AccountId } from "../lib/ids.ts";
import { sql, type Transaction } from "./database.ts";

/** What a transaction adds to the usage of an account, or takes off it. */
export interface Charge {
  readonly account: AccountId;
  readonly octets: number;
  readonly messages: number;
}

/**
 * Counts added and removed messages. Comes after the locks of mailbox rows, in ascending order, so
 * that two of them never wait for each other. Throws `over-quota` where usage would grow beyond a
 * limit; taking off always works.
 */
export async function chargeQuota(tx: Transaction, charges: readonly Charge[]): Promise<void> {
  const sums = new Map<AccountId, Charge>();
  for (const charge of charges) {
    const { octets, messages } = sums.get(charge.account) ?? { octets: 0, messages: 0 };
    sums.set(charge.account, {
      account: charge.account,
      octets: octets + charge.octets,
      messages: messages + charge.messages,
    });
  }
  const sorted = [...sums.values()]
    .filter(({ octets, messages }) => octets !== 0 || messages !== 0)
    .sort((a, b) => a.account - b.account);
  for (const { account, octets, messages } of sorted) {
    // WHY greatest: a limit that was lowered, or a count that was wrong, must not keep mail in.
    await tx.query(
      octets < 0 || messages < 0
        ? sql`
          UPDATE quotas SET storage_used = greatest(0, storage_used + ${octets}::bigint),
            messages_used = greatest(0, messages_used + ${messages}::bigint)
          WHERE account_id = ${account}`
        : sql`
          UPDATE quotas
          SET storage_used = within_quota(storage_used + ${octets}::bigint, storage_limit),
            messages_used = within_quota(messages_used + ${messages}::bigint, messages_limit)
          WHERE account_id = ${account}`,
    );
  }
}
