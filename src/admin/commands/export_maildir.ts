import { MaildirTarget } from "../../migration/maildir/maildir_target.ts";
import type { Command } from "../command.ts";
import { exportOptions, runExport } from "../export_run.ts";
import { emailOption } from "./account_view.ts";

/** Exports mailboxes as a Maildir that Dovecot can serve. */
export const exportMaildir: Command = {
  name: "export maildir",
  aliases: ["export-maildir"],
  summary: "export mailboxes as a Maildir with UIDs, flags, keywords and subscriptions",
  details:
    `Writes Maildir++ with dovecot-uidlist, dovecot-keywords and subscriptions, so that Dovecot
goes on with the same UIDs. Into the folder of an earlier export only what is new is written;
flags are brought up to date, and files of messages that are gone stay.`,
  options: {
    email: emailOption,
    path: { value: "DIR", required: true, text: "the Maildir; made if it is not there" },
    ...exportOptions,
  },
  example: "sora-admin export maildir --config config.toml --email user@example.com " +
    "--path /var/backups/user/Maildir",
  run(request) {
    const path = request.options.required("path");
    return runExport(
      request,
      (services, account) => new MaildirTarget(path, services, account),
    );
  },
};
