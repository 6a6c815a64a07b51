import type { GrantChange } from "../../auth/access_control.ts";
import { readRights, rightLetters } from "../../auth/rights.ts";
import type { Command, Option, OptionValues } from "../command.ts";
import { usage } from "../failure.ts";
import { mailboxOption, withSharing } from "../sharing.ts";
import { table } from "../table.ts";
import { emailOption } from "./account_view.ts";

const identifierOption: Option = {
  value: "WHO",
  required: true,
  text: 'address of an account of the same domain, or "anyone"',
};

/** Shows who may do what with a mailbox. */
export const aclList: Command = {
  name: "acl list",
  summary: "show who may do what with a mailbox",
  options: { email: emailOption, mailbox: mailboxOption },
  example:
    "sora-admin acl list --config config.toml --email user@example.com --mailbox Shared/Sales",
  async run(request) {
    const mailbox = request.options.required("mailbox");
    const grants = await withSharing(
      request,
      ({ user, control }) => control.grants(user, mailbox),
    );
    const rows = grants.map(({ identifier, rights }) => [identifier, rightLetters(rights)]);
    return {
      text: table(["WHO", "RIGHTS"], rows),
      json: rows.map(([identifier, rights]) => ({ identifier, rights })),
    };
  },
};

/** Lets somebody do something with a mailbox. */
export const aclGrant: Command = {
  name: "acl grant",
  summary: "give somebody rights on a mailbox",
  details: "Rights are letters of lrswipkxtea (RFC 4314); with + or - in front, the others stay.",
  options: {
    email: emailOption,
    mailbox: mailboxOption,
    identifier: identifierOption,
    rights: { value: "RIGHTS", required: true, text: 'such as "lrs", "+w" or "-e"' },
  },
  example: "sora-admin acl grant --config config.toml --email user@example.com " +
    "--mailbox Shared/Sales --identifier other@example.com --rights lrs",
  async run(request) {
    const { options } = request;
    const mailbox = options.required("mailbox");
    const identifier = options.required("identifier");
    const change = changeOf(options);
    await withSharing(
      request,
      ({ user, control }) => control.grant(user, mailbox, { identifier, ...change }),
    );
    return { text: `Granted ${identifier} rights on ${mailbox}\n`, json: { mailbox, identifier } };
  },
};

/** Takes all that somebody was granted. */
export const aclRevoke: Command = {
  name: "acl revoke",
  summary: "take somebody's rights on a mailbox",
  options: { email: emailOption, mailbox: mailboxOption, identifier: identifierOption },
  example: "sora-admin acl revoke --config config.toml --email user@example.com " +
    "--mailbox Shared/Sales --identifier other@example.com",
  async run(request) {
    const mailbox = request.options.required("mailbox");
    const identifier = request.options.required("identifier");
    await withSharing(
      request,
      ({ user, control }) => control.revoke(user, mailbox, identifier),
    );
    return { text: `Revoked ${identifier} on ${mailbox}\n`, json: { mailbox, identifier } };
  },
};

function changeOf(options: OptionValues): GrantChange {
  const text = options.required("rights");
  const [, sign = "", letters = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  const rights = readRights(letters);
  if (!rights) throw usage(`--rights: ${JSON.stringify(text)} has letters that are no rights`);
  return { mode: sign === "+" ? "add" : sign === "-" ? "remove" : "replace", rights };
}
