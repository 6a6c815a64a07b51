import { Refused } from "../../lib/refused.ts";
import { AccountRebuild } from "./account_rebuild.ts";
import { bucketAccounts } from "./bucket_accounts.ts";
import { grantRights, type WantedRights } from "./grant_rights.ts";
import type { AccountReport, RebuildProblem, RebuildReport } from "./rebuild_report.ts";
import type { RebuildServices } from "./rebuild_services.ts";

/**
 * Makes accounts and their mail anew from what the object store has: manifests first, then, for what they do
 * not name, what bodies say of themselves. Accounts that exist are left alone, but for those that an earlier
 * run has not come to the end of. `address`: that account alone. Never throws.
 */
export async function rebuild(
  services: Omit<RebuildServices, "problem">,
  { address }: { readonly address: string | null },
): Promise<RebuildReport> {
  const problems: RebuildProblem[] = [];
  const reports: AccountReport[] = [];
  const rights: WantedRights[] = [];
  const all = { ...services, problem: (problem: RebuildProblem) => void problems.push(problem) };
  const about = (account: string, why: string, message: string | null = null) =>
    all.problem({ account, mailbox: null, message, why });
  let ended: unknown;
  try {
    const damaged = (account: string, key: string, why: string) => about(account, why, key);
    for (const account of await bucketAccounts(services.blobs, { address, damaged })) {
      const one = new AccountRebuild(account, all);
      try {
        await one.run();
      } catch (error) {
        if (!isAboutTheAccount(error)) throw error;
        about(account.address, `the account cannot be made: ${error.refusal.kind}`);
        continue;
      } finally {
        reports.push(one.report);
      }
      rights.push(...one.rights);
    }
    for (const each of rights) await grantRights(each, all);
  } catch (error) {
    ended = error;
  }
  return { accounts: reports, problems, ended };
}

function isAboutTheAccount(error: unknown): error is Refused {
  return error instanceof Refused &&
    (error.refusal.kind === "account-exists" || error.refusal.kind === "unsupported");
}
