import { toBinary } from "../../lib/bytes.ts";
import { DELIMITER } from "../../store/mailbox_name.ts";
import { isDisabled } from "../capability_config.ts";
import { command, type Context } from "../command.ts";
import { renderAstring, renderValue } from "../wire/quote.ts";
import { WireError } from "../wire/wire_error.ts";
import { renderRights } from "./acl/rights_text.ts";
import { allNames, type Listed, type Name, select } from "./list/names.ts";
import { type ListArguments, listArguments } from "./list/options.ts";
import { countsFor, prepareStatus, renderStatus } from "./status/items.ts";

/**
 * LIST: RFC 3501 §6.3.8, LIST-EXTENDED RFC 5258, with what other extensions return: RFC 3348, 5819,
 * 6154, 8440, 9590.
 */
export const list = command("LIST", {
  states: ["authenticated", "selected"],
  capability: [
    "CHILDREN",
    "LIST-EXTENDED",
    "LIST-METADATA",
    "LIST-MYRIGHTS",
    "LIST-STATUS",
    "SPECIAL-USE",
  ],
  parse: listArguments,
  async execute(asked, context) {
    refuseDisabled(asked, context);
    prepareStatus(asked.returned.status, context);
    const { session: { user }, services: { access, mailboxes }, reply } = context;
    if (asked.delimiterOnly) return reply.untagged(`LIST (\\Noselect) "${DELIMITER}" ""`);
    const { selection, returned, patterns } = asked;
    const needsSubscriptions = selection.subscribed || returned.subscribed;
    const [existing, subscriptions] = await Promise.all([
      access.list(user),
      needsSubscriptions ? mailboxes.subscriptions(user.accountId) : [],
    ]);
    const names = await allNames(existing, subscriptions);
    const listed = await Array.fromAsync(select(names, patterns, selection));
    for (const name of listed) {
      reply.untagged(renderListed(name, asked, context));
      await reply.drained();
    }
    await tellMore(listed, asked, context);
  },
});

/** A LIST response that nobody asked for: RFC 5465 §5.4, §5.5. */
export function renderName(
  name: Name,
  context: Pick<Context, "reply" | "enabled" | "services">,
  { oldName, noAccess = false }: { readonly oldName?: string; readonly noAccess?: boolean } = {},
): string {
  const asked = { selection: { subscribed: true }, returned: {}, isExtended: true, noAccess };
  const line = renderListed({ ...name, isSelected: true, childInfo: [] }, asked, context);
  return oldName === undefined ? line : `${line} ("OLDNAME" (${context.reply.mailbox(oldName)}))`;
}

/** What is not announced is refused. */
function refuseDisabled(
  { selection, returned, isExtended }: ListArguments,
  { services: { config } }: Pick<Context, "services">,
): void {
  const needs: readonly (readonly [extension: string, isUsed: boolean])[] = [
    ["LIST-EXTENDED", isExtended],
    ["SPECIAL-USE", selection.specialUse || returned.specialUse],
    ["LIST-STATUS", returned.status.length > 0],
    ["LIST-MYRIGHTS", returned.myRights],
    ["LIST-METADATA", returned.metadata.length > 0],
  ];
  for (const [extension, isUsed] of needs) {
    if (isUsed && isDisabled(extension, config)) {
      throw WireError.because(`${extension} is disabled`);
    }
  }
}

/** What decides how a name is rendered. */
interface Asked {
  readonly selection: { readonly subscribed?: boolean };
  readonly returned: { readonly subscribed?: boolean };
  readonly isExtended: boolean;
  /** RFC 5465 §3.1: not for this user. */
  readonly noAccess?: boolean;
}

/**
 *     mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox
 *                    [SP mbox-list-extended]                                RFC 5258 §6
 */
function renderListed(
  { name, mailbox, isSubscribed, hasChildren, childInfo }: Listed,
  { selection, returned, isExtended, noAccess }: Asked,
  { reply, enabled, services: { config } }: Pick<Context, "reply" | "enabled" | "services">,
): string {
  const attributes: string[] = [];
  // RFC 5258 §3: \NonExistent says \Noselect, too, to who knows it.
  if (!mailbox) attributes.push(isExtended || enabled.rev2 ? "\\NonExistent" : "\\Noselect");
  if (noAccess) attributes.push("\\NoAccess");
  if (isSubscribed && (selection.subscribed || returned.subscribed)) {
    attributes.push("\\Subscribed");
  }
  if (!isDisabled("CHILDREN", config) && (mailbox || hasChildren)) {
    attributes.push(hasChildren ? "\\HasChildren" : "\\HasNoChildren");
  }
  const specialUse = mailbox?.specialUse ?? null;
  if (specialUse !== null && !isDisabled("SPECIAL-USE", config)) attributes.push(specialUse);
  const options = childInfo.map((option) => `"${option}"`).join(" ");
  const info = childInfo.length > 0 ? ` ("CHILDINFO" (${options}))` : "";
  return `LIST (${attributes.join(" ")}) "${DELIMITER}" ${reply.mailbox(name)}${info}`;
}

/** STATUS, MYRIGHTS and METADATA of what was listed, each for all mailboxes in one query. */
async function tellMore(
  listed: readonly Listed[],
  { returned: { status, myRights, metadata } }: ListArguments,
  context: Context<"authenticated" | "selected">,
): Promise<void> {
  const { session: { user }, services, reply } = context;
  // RFC 5819 §2, RFC 8440 §3: nothing more about what is told only for those below it.
  const existing = listed.flatMap(({ mailbox, isSelected }) =>
    mailbox && isSelected ? [mailbox] : []
  );
  // RFC 5819 §2: no STATUS of what cannot be read.
  const readable = existing.filter(({ rights }) => rights.has("r"));
  const counts = await countsFor(status.length > 0 ? readable : [], status, context);
  const annotations = metadata.length > 0
    ? await services.metadata.ofMailboxes(
      readable.map(({ id }) => id),
      user.accountId,
      { paths: metadata, depth: 0 },
    )
    : [];
  const byMailbox = Map.groupBy(annotations, ({ mailbox }) => mailbox);
  for (const mailbox of existing) {
    const { name, rights } = mailbox;
    const isReadable = rights.has("r");
    if (status.length > 0 && isReadable) {
      reply.untagged(renderStatus({ name, mailbox, counts }, status, context));
    }
    if (myRights) reply.untagged(`MYRIGHTS ${reply.mailbox(name)} ${renderRights(rights)}`);
    if (metadata.length > 0 && isReadable) {
      const values = new Map(byMailbox.get(mailbox.id)?.map((entry) => [entry.name, entry.value]));
      const pairs = metadata.map((entry) => {
        const value = values.get(entry);
        return `${renderAstring(entry)} ${value ? renderValue(toBinary(value)) : "NIL"}`;
      });
      reply.untagged(`METADATA ${reply.mailbox(name)} (${pairs.join(" ")})`);
    }
    await reply.drained();
  }
}
