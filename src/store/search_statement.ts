import type { AccountId, MailboxId } from "../lib/ids.ts";
import { foldCase } from "../message/fold_case.ts";
import type { DateRange, SearchCondition, SearchHeader } from "./search_condition.ts";
import { stateTable } from "./seen_states.ts";
import { joined, type Sql, sql } from "./sql.ts";
import type { UidSet } from "./uid_set.ts";

/** Conditions inside conditions: PostgreSQL's own parser is recursive. */
const DEPTH_MAX = 100;

/**
 * One SELECT for the UIDs that match, as one array in its text form. Every condition is true or false, never
 * unknown, so that `not` is the exact complement.
 */
export function searchStatement(
  mailbox: MailboxId,
  condition: SearchCondition,
  { viewer = null }: { readonly viewer?: AccountId | null } = {},
): Sql {
  // WHY: the wide table is read only for what stands there.
  const wide = needsFacts(condition, DEPTH_MAX)
    ? sql`JOIN messages AS message ON message.mailbox_id = ${mailbox} AND message.uid = state.uid`
    : sql``;
  return sql`
    SELECT array_agg(uid)::text AS uids FROM (
      SELECT state.uid FROM ${stateTable(mailbox, viewer)} AS state ${wide}
      WHERE state.mailbox_id = ${mailbox} AND ${toSql(condition)}
      ORDER BY state.uid OFFSET 0) AS found`.unprepared();
}

const TRUE = sql`true`;
const FALSE = sql`false`;

function needsFacts(condition: SearchCondition, depth: number): boolean {
  if (depth === 0) throw new Error("Search condition is nested too deeply");
  if ("all" in condition) return condition.all.some((part) => needsFacts(part, depth - 1));
  if ("any" in condition) return condition.any.some((part) => needsFacts(part, depth - 1));
  if ("not" in condition) return needsFacts(condition.not, depth - 1);
  return !("everything" in condition || "uids" in condition || "flagsSet" in condition ||
    "flagsClear" in condition || "keyword" in condition || "modseqFrom" in condition);
}

function toSql(condition: SearchCondition): Sql {
  if ("everything" in condition) return TRUE;
  if ("all" in condition) return combine(condition.all, " AND ", TRUE);
  if ("any" in condition) return combine(condition.any, " OR ", FALSE);
  if ("not" in condition) return sql`NOT ${toSql(condition.not)}`;
  if ("uids" in condition) return inUids(condition.uids);
  if ("flagsSet" in condition) {
    return sql`(state.flags & ${condition.flagsSet}::int = ${condition.flagsSet}::int)`;
  }
  if ("flagsClear" in condition) return sql`(state.flags & ${condition.flagsClear}::int = 0)`;
  if ("keyword" in condition) return hasKeyword(condition.keyword);
  if ("internalDate" in condition) {
    return inRange(sql`message.internal_date`, condition.internalDate);
  }
  if ("sentDate" in condition) return inRange(sql`message.sent_date`, condition.sentDate);
  if ("savedDate" in condition) return inRange(sql`message.saved_at`, condition.savedDate);
  if ("larger" in condition) return sql`(message.size_bytes > ${condition.larger}::bigint)`;
  if ("smaller" in condition) return sql`(message.size_bytes < ${condition.smaller}::bigint)`;
  if ("modseqFrom" in condition) return sql`(state.modseq >= ${condition.modseqFrom})`;
  if ("hash" in condition) return sql`(message.hash = decode(${condition.hash}, 'hex'))`;
  if ("threadRoot" in condition) return inThread(condition.threadRoot);
  if ("header" in condition) return contains(condition.header, condition.contains);
  if (!isText(condition.messageId)) return FALSE;
  return sql`(coalesce(message.message_id, '') = ${condition.messageId})`;
}

function combine(parts: readonly SearchCondition[], operator: string, none: Sql): Sql {
  return parts.length === 0 ? none : sql`(${joined(parts.map(toSql), operator)})`;
}

/** WHY: a multirange is searched by halves, so even 50,000 ranges cost little for each message. */
function inUids(uids: UidSet): Sql {
  const ranges = uids.ranges.map(([low, high]) => `[${low},${high}]`).join(",");
  return sql`(state.uid <@ ${`{${ranges}}`}::int8multirange)`;
}

function hasKeyword(keyword: string): Sql {
  if (!isText(keyword)) return FALSE;
  return sql`EXISTS (SELECT 1 FROM unnest(state.keywords) AS known
    WHERE lower(known) = lower(${keyword}::text))`;
}

/** A message without the date is in no range. */
function inRange(column: Sql, { from, before }: DateRange): Sql {
  const ends = [
    ...(from ? [sql`${column} >= ${timestamp(from)}::timestamptz`] : []),
    ...(before ? [sql`${column} < ${timestamp(before)}::timestamptz`] : []),
    sql`${column} IS NOT NULL`,
  ];
  return sql`coalesce(${joined(ends, " AND ")}, false)`;
}

/** RFC 3501 §9 allows four-digit years; whatever else a caller has is an end of all times. */
function timestamp(date: Date): string {
  const year = date.getUTCFullYear();
  if (year > 9999) return "infinity";
  return year >= 1 ? date.toISOString() : "-infinity";
}

const COLUMNS: Readonly<Record<SearchHeader, Sql>> = {
  from: sql`message.from_text`,
  to: sql`message.to_text`,
  cc: sql`message.cc_text`,
  bcc: sql`message.bcc_text`,
  subject: sql`message.subject`,
};

/** Both sides are folded: what is stored when it is stored. */
function contains(header: SearchHeader, text: string): Sql {
  if (text === "") return TRUE;
  if (!isText(text)) return FALSE;
  const escaped = foldCase(text).replaceAll(/[\\%_]/g, "\\$&");
  return sql`(${COLUMNS[header]} LIKE ${`%${escaped}%`})`;
}

/** A message without any id is in no thread. */
function inThread(root: string): Sql {
  return sql`coalesce(sha256(convert_to(coalesce(
    nullif(split_part(message.reference_ids, ' ', 1), ''), message.in_reply_to,
    message.message_id), 'UTF8')) = decode(${root}, 'hex'), false)`;
}

/** What PostgreSQL takes as text; nothing stored contains anything else. */
function isText(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}
