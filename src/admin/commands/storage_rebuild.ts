import { join, resolve } from "node:path";
import { exitCodes } from "../../app/exit_codes.ts";
import type { Blobs } from "../../blobs/blobs.ts";
import { KeyMismatch } from "../../blobs/key_check.ts";
import { type ObjectStore, openObjectStore } from "../../blobs/open_object_store.ts";
import { ownerPrefix } from "../../blobs/manifest_key.ts";
import { Staging } from "../../blobs/staging.ts";
import type { Config } from "../../config/config.ts";
import { rebuild } from "../../jobs/rebuild/rebuild.ts";
import type { RebuildProblem, RebuildReport } from "../../jobs/rebuild/rebuild_report.ts";
import { sendStaged } from "../../jobs/rebuild/send_staged.ts";
import { AccountStore } from "../../store/accounts.ts";
import { AclStore } from "../../store/acls.ts";
import type { Database } from "../../store/database.ts";
import { ImportStore } from "../../store/import_messages.ts";
import { MailboxStore } from "../../store/mailboxes.ts";
import { Notices } from "../../store/notices.ts";
import { QuotaStore } from "../../store/quotas.ts";
import { RebuildStore } from "../../store/rebuilds.ts";
import type { Answer, Command, Request } from "../command.ts";
import { explain, Failure } from "../failure.ts";
import { jobsOf, jobsOption } from "../jobs_option.ts";
import { withAccounts } from "../open_database.ts";
import { printable } from "../printable.ts";
import { table } from "../table.ts";
import { emailOf, emailOption } from "./account_view.ts";

/** Problems that people are shown. */
const SHOWN_MAX = 200;
/** Between two lines about how far it is. */
const PROGRESS_MESSAGES = 1_000;

/** Makes the database anew from the bucket. */
export const storageRebuild: Command = {
  name: "storage rebuild",
  aliases: ["import s3"],
  summary: "make the database anew from what the bucket says of itself",
  details:
    `For when the database is lost and the bucket is not. Accounts, mailboxes, UIDs, flags and dates come
from the manifests that the server writes there (manifest_interval); what they do not name yet is
placed by what each body says of itself, and what says nothing into a mailbox "Recovered". Accounts
that exist are left alone. Run it again to go on after an interruption: nothing comes twice.
Passwords are restored only from a bucket that is encrypted; set others with accounts update.`,
  options: {
    email: { ...emailOption, required: false, text: "only the account with this primary address" },
    "with-expunged": { text: 'also what users had expunged, into "Recovered"' },
    "dry-run": { text: "only say what would be done; bodies are not read" },
    jobs: jobsOption,
  },
  example: "sora-admin storage rebuild --config config.toml --dry-run",
  async run(request) {
    const { options } = request;
    const address = options.has("email") ? emailOf(options) : null;
    const jobs = jobsOf(options);
    const { config } = request.setup();
    const { s3 } = config;
    if (!s3) throw new Failure(exitCodes.config, "there is no object store: [s3] is missing");
    const dryRun = options.has("dry-run");
    const withExpunged = options.has("with-expunged");
    return await withAccounts(request, async (database) => {
      using store = await openObjectStore(s3);
      await check(store);
      const staged = dryRun ? NOTHING_STAGED : await send(config, { blobs: store.blobs, address });
      const progress = steps(request);
      const services = { ...storesOf(database), jobs, dryRun, withExpunged, progress };
      const report = await rebuild({ ...services, blobs: store.blobs }, { address });
      const problems = [...staged.problems, ...report.problems];
      return answer({ ...report, problems }, { dryRun, sent: staged.sent });
    }, { creates: true });
  },
};

function storesOf(database: Database) {
  const notices = new Notices(database, { workerId: `admin-${crypto.randomUUID()}` });
  return {
    accounts: new AccountStore(database),
    mailboxes: new MailboxStore(database, notices),
    imports: new ImportStore(database, notices),
    rebuilds: new RebuildStore(database),
    quotas: new QuotaStore(database),
    acls: new AclStore(database, notices),
  };
}

interface Staged {
  readonly sent: number;
  readonly problems: readonly RebuildProblem[];
}

const NOTHING_STAGED: Staged = { sent: 0, problems: [] };

/** What this machine had taken in and not sent yet. */
async function send(
  { dataDir, uploader }: Config,
  { blobs, address }: { readonly blobs: Blobs; readonly address: string | null },
): Promise<Staged> {
  const directory = resolve(uploader.path ?? join(dataDir, "uploads"));
  const isThere = await Deno.stat(directory).then(() => true, () => false);
  if (!isThere) return NOTHING_STAGED;
  const staging = new Staging({ directory, maxBytes: 0 });
  const problems: RebuildProblem[] = [];
  const damaged = (key: string, why: string) =>
    void problems.push({ account: "", mailbox: null, message: key, why: `staged body: ${why}` });
  const prefix = address === null ? "" : ownerPrefix(address);
  return { sent: await sendStaged(staging, { blobs, prefix, damaged }), problems };
}

async function check(store: ObjectStore): Promise<void> {
  const found = await store.objects.check();
  if (found.kind === "wrong") throw new Failure(exitCodes.config, found.why);
  try {
    await store.checkKeys();
  } catch (error) {
    if (!(error instanceof KeyMismatch)) throw error;
    throw new Failure(exitCodes.config, error.message, { cause: error });
  }
}

function steps({ terminal, options }: Request): (account: string, messages: number) => void {
  let done = 0;
  return (account, messages) => {
    const isDue = Math.floor((done + messages) / PROGRESS_MESSAGES) > done / PROGRESS_MESSAGES;
    done += messages;
    if (!isDue || !terminal.showsProgress || options.has("json")) return;
    terminal.err(`${done} messages: ${printable(account)}\n`);
  };
}

function answer(
  report: RebuildReport,
  { dryRun, sent }: { readonly dryRun: boolean; readonly sent: number },
): Answer {
  const { accounts, problems } = report;
  const ended = report.ended === undefined ? null : explain(report.ended);
  const shown = problems.slice(0, SHOWN_MAX).map(({ account, mailbox, message, why }) => {
    const where = [account || null, mailbox, message].filter((part) => part !== null);
    return `Problem: ${[...where, why].map(printable).join(": ")}\n`;
  });
  const noPassword = accounts.filter(({ result, needsPassword }) =>
    result === "restored" && needsPassword
  );
  const text = [
    accountTable(report),
    sent === 0 ? "" : `Sent ${sent} bodies that this machine had not sent yet\n`,
    dryRun ? "Nothing was changed: this was a dry run\n" : "",
    noPassword.length === 0
      ? ""
      : `Without a password, so that nobody can log in before there is one \
(accounts update): ${noPassword.length} accounts\n`,
    ...shown,
    problems.length > SHOWN_MAX ? `… and ${problems.length - SHOWN_MAX} more: see --json\n` : "",
    ended ? `Ended early: ${ended.message}; run it again to go on\n` : "",
  ].join("");
  const isClean = accounts.length > 0 && problems.length === 0 &&
    accounts.every(({ result }) => result !== "exists");
  return {
    text,
    json: { dryRun, sent, accounts, problems, ended: ended?.message ?? null },
    exitCode: ended?.exitCode ?? (isClean ? exitCodes.ok : exitCodes.failure),
  };
}

function accountTable({ accounts }: RebuildReport): string {
  if (accounts.length === 0) return "The bucket has mail of no such account\n";
  const rows = accounts.map((one) => [
    printable(one.account),
    one.result,
    ...[one.mailboxes, one.restored, one.placed, one.recovered, one.there, one.expunged, one.lost]
      .map(String),
  ]);
  const heading = ["MAILBOXES", "RESTORED", "PLACED", "RECOVERED", "THERE", "EXPUNGED", "LOST"];
  return table(["ACCOUNT", "RESULT", ...heading], rows);
}
