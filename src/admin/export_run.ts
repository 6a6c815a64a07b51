import { exitCodes } from "../app/exit_codes.ts";
import { exportMail, type ExportServices, type ExportTarget } from "../migration/export_mail.ts";
import type { ExportReport } from "../migration/export_report.ts";
import type { Answer, Option, Request } from "./command.ts";
import { explain, Failure } from "./failure.ts";
import { jobsOf, jobsOption } from "./jobs_option.ts";
import { mailboxFilter, mailboxFilterOption } from "./mailbox_filter.ts";
import { withMail } from "./mail_tools.ts";
import { printable } from "./printable.ts";
import { problemLines } from "./problem_lines.ts";
import { Progress } from "./progress.ts";
import { sizeCell, table } from "./table.ts";

/** What every export takes. */
export const exportOptions: Readonly<Record<string, Option>> = {
  "mailbox-filter": mailboxFilterOption,
  jobs: jobsOption,
};

/** Exports mailboxes of the account of `--email`; the command's whole answer. */
export async function runExport(
  request: Request,
  targetFor: (
    services: ExportServices,
    account: { readonly subscriptions: readonly string[] },
  ) => ExportTarget,
): Promise<Answer> {
  const { options, terminal } = request;
  const jobs = jobsOf(options);
  const wants = mailboxFilter(options.text("mailbox-filter"));
  const began = performance.now();
  const report = await withMail(request, async ({ owner, mailboxes, messages, blobs }) => {
    const wanted = (await mailboxes.list(owner.id)).filter(({ name }) => wants(name));
    if (wanted.length === 0) throw new Failure(exitCodes.failure, "there is no such mailbox");
    const total = wanted.reduce((sum, mailbox) => sum + mailbox.messages, 0);
    const bar = new Progress(terminal, { total });
    const progress = bar.step.bind(bar);
    const subscriptions = (await mailboxes.subscriptions(owner.id)).filter(wants);
    try {
      const target = targetFor({ messages, blobs, jobs, progress }, { subscriptions });
      return await exportMail(wanted, target, progress);
    } finally {
      bar.end();
    }
  });
  return answer(report, (performance.now() - began) / 1000);
}

function answer(
  { mailboxes, problems, remarks, ended: reason }: ExportReport,
  seconds: number,
): Answer {
  const sum = { messages: 0, written: 0, there: 0, skipped: 0, octets: 0 };
  for (const one of mailboxes) {
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += one[key];
  }
  const ended = reason === undefined ? null : explain(reason);
  const rows = mailboxes.map(({ mailbox, messages, written, there, skipped }) => [
    printable(mailbox),
    ...[messages, written, there, skipped].map(String),
  ]);
  const perSecond = Math.round(sum.written / Math.max(seconds, 0.001));
  const text = [
    table(["MAILBOX", "MESSAGES", "WRITTEN", "THERE", "SKIPPED"], rows),
    `Exported ${sum.written} of ${sum.messages} messages (${sizeCell(sum.octets)}) ` +
    `in ${seconds.toFixed(1)} s, ${perSecond}/s\n`,
    ...remarks.map((remark) => `Note: ${printable(remark)}\n`),
    problemLines(problems),
    ended ? `Ended early: ${ended.message}; run it again to go on\n` : "",
  ].join("");
  return {
    text,
    json: { seconds, ...sum, mailboxes, problems, remarks, ended: ended?.message ?? null },
    exitCode: ended?.exitCode ?? (problems.length > 0 ? exitCodes.failure : exitCodes.ok),
  };
}
