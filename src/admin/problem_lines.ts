import type { Problem } from "../migration/report.ts";
import { printable } from "./printable.ts";

/** Problems that are listed for people; `--json` has all of them. */
const PROBLEMS_SHOWN = 200;

/** What was left out of an import or export, for people. */
export function problemLines(problems: readonly Problem[]): string {
  const lines = problems.slice(0, PROBLEMS_SHOWN).map(({ mailbox, message, why }) => {
    const where = [mailbox, message].filter((part) => part !== null).map(printable);
    return `Skipped: ${[...where, printable(why)].join(": ")}\n`;
  });
  const more = problems.length - PROBLEMS_SHOWN;
  return lines.join("") + (more > 0 ? `… and ${more} more: see --json\n` : "");
}
