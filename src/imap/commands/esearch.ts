import type { AccessibleMailbox } from "../../auth/mailbox_access.ts";
import type { Uid } from "../../lib/ids.ts";
import { Refused } from "../../lib/refused.ts";
import { mailboxKey } from "../../store/mailbox_name.ts";
import { command, type Context } from "../command.ts";
import { isMeant, type MailboxFilter, mailboxFilter } from "../mailbox_filter.ts";
import type { Scanner } from "../wire/scanner.ts";
import { WireError } from "../wire/wire_error.ts";
import { evaluateIn } from "./search/evaluate.ts";
import { hasKey, type SearchKey } from "./search/key.ts";
import { keepUpdated, refuseTagInUse } from "./search/keep_updated.ts";
import { searchKeys } from "./search/parse.ts";
import { resolve } from "./search/resolve.ts";
import { renderWhere, respondAbout } from "./search/respond.ts";
import { readReturn, type ReturnOptions } from "./search/return_options.ts";
import { mailboxScope } from "./search/scope.ts";
import { refuseUnoffered } from "./search/unoffered.ts";

/** WHY: each is a search of its own. */
const MAILBOXES_MAX = 1_000;
const FILTERS_MAX = 100;

/** Where to search; null: in the selected mailbox. */
interface Sources {
  readonly selected: boolean;
  readonly filters: readonly MailboxFilter[];
}

/**
 * ESEARCH: RFC 7377 §2, one search in several mailboxes. A mailbox in which nothing is found is not
 * mentioned, and neither is one that the user may not read.
 *
 *     esearch = "ESEARCH" [SP "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"]
 *               [SP search-return-opts] SP search-program
 */
export const esearch = command("ESEARCH", {
  states: ["authenticated", "selected"],
  capability: "MULTISEARCH",
  parse: (wire) => ({
    sources: sources(wire.sp()),
    options: readReturn(wire),
    key: searchKeys(wire),
  }),
  async execute({ sources, options, key }, context) {
    refuseUnoffered({ options, key }, context);
    refuseElsewhere({ sources, options, key }, context);
    if (isSelected(context)) refuseTagInUse(options, context);
    const { session, services, reply } = context;
    services.searchRate.take(session.user.accountId);
    const mailboxes = await meant(sources, context);
    if (mailboxes.length > MAILBOXES_MAX) throw new Refused({ kind: "limit", what: "mailboxes" });
    for (const [at, mailbox] of mailboxes.entries()) {
      context.progress.report(at, mailboxes.length);
      const messages = services.messages.viewedBy(mailbox.viewer);
      const scope = session.state === "selected" && session.view.mailbox.id === mailbox.id
        ? session.view
        : mailboxScope(mailbox, messages);
      const uids: readonly Uid[] = await evaluateIn(scope, resolve(key, scope), context);
      if (uids.length > 0) await respondAbout({ uids, options, scope, mailbox }, context);
      if (!isSelected(context)) continue;
      const where = renderWhere(mailbox, reply);
      keepUpdated(options, { uids, key, resultsMax: 0, where, byUid: true }, context);
    }
  },
});

function isSelected(
  context: Context<"authenticated" | "selected">,
): context is Context<"selected"> {
  return context.session.state === "selected";
}

function sources(wire: Scanner): Sources | null {
  if (!wire.maybe("IN (")) return null;
  const filters: MailboxFilter[] = [];
  let selected = false;
  do {
    const word = wire.word();
    if (word === "SELECTED" || word === "SELECTED-DELAYED") selected = true;
    else filters.push(mailboxFilter(wire, word));
    if (filters.length > FILTERS_MAX) wire.fail(`at most ${FILTERS_MAX} filters`);
  } while (wire.maybe(" "));
  wire.expect(")").sp();
  return { selected, filters };
}

/** RFC 7377 §2.1: what only the selected mailbox has. */
function refuseElsewhere(
  { sources, options, key }: {
    readonly sources: Sources | null;
    readonly options: ReturnOptions | null;
    readonly key: SearchKey;
  },
  { session }: Context<"authenticated" | "selected">,
): void {
  const needsSelected = sources === null || sources.selected && sources.filters.length === 0;
  if (needsSelected && session.state !== "selected") {
    throw WireError.because("No mailbox is selected");
  }
  if ((options?.update || options?.save) && !needsSelected) {
    throw WireError.because("SAVE and UPDATE are for the selected mailbox");
  }
  if (!needsSelected && hasKey(key, (part) => part.kind === "set" && !part.byUid)) {
    throw WireError.because("Message numbers are for the selected mailbox");
  }
}

async function meant(
  sources: Sources | null,
  { session, services: { access, mailboxes } }: Context<"authenticated" | "selected">,
): Promise<AccessibleMailbox[]> {
  const selected = session.state === "selected" ? session.view.mailbox : null;
  const { filters, selected: withSelected } = sources ?? { filters: [], selected: true };
  if (filters.length === 0) return withSelected && selected ? [selected] : [];
  const { user } = session;
  const needsSubscriptions = filters.some(({ kind }) => kind === "subscribed");
  const [all, subscriptions] = await Promise.all([
    access.list(user),
    needsSubscriptions ? mailboxes.subscriptions(user.accountId) : [],
  ]);
  const subscribed = new Set(subscriptions.map(mailboxKey));
  return all.filter((mailbox) =>
    mailbox.rights.has("r") &&
    (withSelected && mailbox.id === selected?.id ||
      filters.some((filter) => isMeant(mailbox, filter, subscribed)))
  );
}
