import { MboxTarget } from "../../migration/mbox/mbox_target.ts";
import type { Command } from "../command.ts";
import { exportOptions, runExport } from "../export_run.ts";
import { emailOption } from "./account_view.ts";

/** Exports mailboxes as mbox files. */
export const exportMbox: Command = {
  name: "export mbox",
  summary: "export mailboxes as mbox files, one for each",
  details:
    `Writes mboxrd ("From " at the beginning of a line becomes ">From ", which can be undone) with
flags, keywords and UIDs in fields of the header, as Dovecot does.`,
  options: {
    email: emailOption,
    path: { value: "DIR", required: true, text: "folder for the files; made if it is not there" },
    overwrite: { text: "replace files that are there" },
    ...exportOptions,
  },
  example: "sora-admin export mbox --config config.toml --email user@example.com --path backup",
  run(request) {
    const { options } = request;
    const path = options.required("path");
    const overwrites = options.has("overwrite");
    return runExport(request, (services) => new MboxTarget(path, services, { overwrites }));
  },
};
