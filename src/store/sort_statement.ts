import type { MailboxId } from "../lib/ids.ts";
import { SORT_KEYS, type SortKey } from "../message/sort_keys.ts";
import type { SortCriterion } from "./sort_criterion.ts";
import { joined, type Sql, sql } from "./sql.ts";
import type { UidSet } from "./uid_set.ts";

/**
 * One SELECT for these UIDs in order, as one array in its text form; those of which nothing is known
 * are left out. Fields that are absent count as empty: RFC 5256 §3. WHY LATERAL with OFFSET 0: see
 * `wantedStates`.
 */
export function sortStatement(
  mailbox: MailboxId,
  { uids, criteria }: { readonly uids: UidSet; readonly criteria: readonly SortCriterion[] },
): Sql {
  const order = criteria.map((each) => each.reverse ? sql`${keyOf(each)} DESC` : keyOf(each));
  // RFC 5256 §3: what is equal otherwise is in the order of the mailbox.
  const every = joined([...order, sql`uid`], ", ");
  return sql`
    SELECT array_agg(uid)::text FROM (
      SELECT message.uid FROM unnest(${uids.lows}::bigint[], ${uids.highs}::bigint[]) AS want(low, high)
      CROSS JOIN LATERAL (
        SELECT * FROM messages
        WHERE mailbox_id = ${mailbox} AND uid BETWEEN want.low AND want.high OFFSET 0) AS message
      ORDER BY ${every} OFFSET 0) AS sorted`.unprepared().asArrays();
}

function keyOf(criterion: SortCriterion): Sql {
  switch (criterion.by) {
    case "arrival":
      return sql`internal_date`;
    case "date":
      return sql`coalesce(sent_date, internal_date)`;
    case "size":
      return sql`size_bytes`;
    // RFC 5051: folded texts are in the order of their UTF-8 octets.
    case "subject":
      return sql`base_subject COLLATE "C"`;
    case "sets":
      return placeIn(criterion.sets);
    default:
      return sql`coalesce(sort_keys[${SORT_KEYS.indexOf(criterion.by) + 1}::int],
        ${WITHOUT_KEYS[criterion.by]}) COLLATE "C"`;
  }
}

/** WHY: a multirange is searched by halves. */
function placeIn(sets: readonly UidSet[]): Sql {
  const cases = sets.map(({ ranges }, place) => {
    const text = ranges.map(([low, high]) => `[${low},${high}]`).join(",");
    return sql`WHEN uid <@ ${`{${text}}`}::int8multirange THEN ${place}::int`;
  });
  return sql`CASE ${joined(cases, " ")} ELSE ${sets.length}::int END`;
}

/** Rows from before there were sort keys: the whole field is near enough. */
const WITHOUT_KEYS: Readonly<Record<SortKey, Sql>> = {
  from: sql`from_text`,
  to: sql`to_text`,
  cc: sql`cc_text`,
  displayFrom: sql`from_text`,
  displayTo: sql`to_text`,
};
