import { exitCodes } from "../app/exit_codes.ts";
import { Namespaces } from "../auth/namespaces.ts";
import { importMail } from "../migration/import_mail.ts";
import { type ImportReport, type Problem, totals } from "../migration/report.ts";
import type { Source, SourceMailbox } from "../migration/source.ts";
import type { Answer, Option, Request } from "./command.ts";
import { explain, Failure } from "./failure.ts";
import { jobsOf, jobsOption } from "./jobs_option.ts";
import { mailboxFilter, mailboxFilterOption } from "./mailbox_filter.ts";
import { withMail } from "./mail_tools.ts";
import { printable } from "./printable.ts";
import { problemLines } from "./problem_lines.ts";
import { Progress } from "./progress.ts";
import { sizeCell, table } from "./table.ts";

/** What every import takes. */
export const importOptions: Readonly<Record<string, Option>> = {
  "mailbox-filter": mailboxFilterOption,
  "dry-run": { text: "read everything and say what would be imported, but store nothing" },
  "update-flags": { text: "give what is there the flags of the source (where UIDs are kept)" },
  "retry": { text: "try again what an earlier import skipped (where UIDs are kept)" },
  "ignore-quota": { text: "import more than the account may keep" },
  jobs: jobsOption,
};

/** Imports a source into the account of `--email`; the command's whole answer. */
export async function runImport(request: Request, source: Source, how: How): Promise<Answer> {
  const { options } = request;
  const wants = mailboxFilter(options.text("mailbox-filter"));
  const jobs = jobsOf(options);
  const all = await source.mailboxes();
  if (all.length === 0) throw new Failure(exitCodes.failure, how.nothing);
  const named = all.filter(({ name }) => wants(name));
  if (named.length === 0) throw new Failure(exitCodes.failure, "there is no such mailbox there");
  const { wanted, reserved } = apart(named, request);
  const part = {
    subscriptions: async () => (await source.subscriptions()).filter(wants),
    remarks: () => source.remarks(),
  };
  const began = performance.now();
  const report = await run(request, { ...how, source: part, wanted, jobs });
  const problems = [...reserved, ...report.problems];
  return answer({ ...report, problems }, {
    dryRun: options.has("dry-run"),
    seconds: (performance.now() - began) / 1000,
  });
}

interface How {
  readonly preserveUids: boolean;
  readonly incremental: boolean;
  /** What to say where there is no mailbox. */
  readonly nothing: string;
}

/** A personal mailbox of a name that stands for shared ones could not be reached by that name. */
function apart(
  mailboxes: readonly SourceMailbox[],
  request: Request,
): { readonly wanted: readonly SourceMailbox[]; readonly reserved: readonly Problem[] } {
  const namespaces = new Namespaces(request.setup().config.sharedMailboxes);
  const isOwn = ({ name }: SourceMailbox) => namespaces.locate(name).kind === "own";
  const why = "its name is one of shared mailboxes";
  return {
    wanted: mailboxes.filter(isOwn),
    reserved: mailboxes.filter((mailbox) => !isOwn(mailbox))
      .map(({ name }) => ({ mailbox: name, message: null, why })),
  };
}

function run(
  request: Request,
  { source, wanted, ...how }: How & {
    readonly source: Pick<Source, "subscriptions" | "remarks">;
    readonly wanted: readonly SourceMailbox[];
    readonly jobs: number;
  },
): Promise<ImportReport> {
  const { options, terminal } = request;
  return withMail(request, async (tools) => {
    const bar = new Progress(terminal, { total: await countAll(wanted) });
    try {
      return await importMail(source, wanted, {
        owner: tools.owner,
        services: { ...tools, progress: bar.step.bind(bar) },
        options: {
          ...how,
          dryRun: options.has("dry-run"),
          retry: options.has("retry"),
          updateFlags: options.has("update-flags"),
          ignoreQuota: options.has("ignore-quota"),
        },
      });
    } finally {
      bar.end();
    }
  });
}

async function countAll(mailboxes: readonly SourceMailbox[]): Promise<number> {
  let total = 0;
  for (const mailbox of mailboxes) total += await mailbox.count() ?? 0;
  return total;
}

function answer(
  report: ImportReport,
  run: { readonly dryRun: boolean; readonly seconds: number },
): Answer {
  const { mailboxes, subscribed, problems, remarks } = report;
  const sum = totals(mailboxes);
  const ended = report.ended === undefined ? null : explain(report.ended);
  const perSecond = Math.round(sum.imported / Math.max(run.seconds, 0.001));
  const verb = run.dryRun ? "Would import" : "Imported";
  const lines = [
    mailboxTable(report),
    `${verb} ${sum.imported} of ${sum.found} messages (${sizeCell(sum.octets)}) ` +
    `in ${run.seconds.toFixed(1)} s, ${perSecond}/s; subscribed to ${subscribed} more mailboxes\n`,
    sum.updated > 0 ? `Changed the flags of ${sum.updated} messages\n` : "",
    ...remarks.map((remark) => `Note: ${printable(remark)}\n`),
    problemLines(problems),
    ended ? `Ended early: ${ended.message}; run it again to go on\n` : "",
  ];
  return {
    text: lines.join(""),
    json: {
      dryRun: run.dryRun,
      seconds: run.seconds,
      ...sum,
      subscribed,
      mailboxes,
      problems,
      remarks,
      ended: ended?.message ?? null,
    },
    exitCode: ended?.exitCode ?? (problems.length > 0 ? exitCodes.failure : exitCodes.ok),
  };
}

function mailboxTable({ mailboxes }: ImportReport): string {
  if (mailboxes.length === 0) return "";
  const rows = mailboxes.map((one) => [
    printable(one.mailbox),
    ...[one.found, one.imported, one.there, one.gone, one.skipped].map(String),
    one.keepsUids ? one.renumbered > 0 ? `kept, ${one.renumbered} new` : "kept" : "new",
  ]);
  return table(["MAILBOX", "FOUND", "IMPORTED", "THERE", "GONE", "SKIPPED", "UIDS"], rows);
}
