import { Buffer } from "node:buffer";
import { foldCase } from "../message/fold_case.ts";
import type { NewMessage } from "./message.ts";
import { packObjectKey } from "./object_key.ts";
import { joined, type Sql, sql } from "./sql.ts";

/** A column of `messages` that is written once and goes along with every copy. */
interface Column {
  readonly name: Sql;
  /** Of the array that one statement takes for all its messages. */
  readonly arrayType: Sql;
  readonly value: (message: NewMessage) => unknown;
  /** What is stored of an element of that array; default: itself. */
  readonly stored?: Sql;
}

const texts = sql`text[]`;
const times = sql`timestamptz[]`;
const octets = sql`bytea[]`;

const OBJECT_KEY = sql`object_key`;

/** All of them: each is named here alone, whoever writes or copies messages. */
const columns: readonly Column[] = [
  {
    name: sql`internal_date`,
    arrayType: times,
    value: ({ internalDate }) => timestamp(internalDate) ?? new Date().toISOString(),
  },
  {
    name: sql`sent_date`,
    arrayType: times,
    value: ({ facts }) => facts.sentDate && timestamp(facts.sentDate),
  },
  { name: sql`size_bytes`, arrayType: sql`bigint[]`, value: ({ facts }) => facts.sizeBytes },
  { name: sql`header_bytes`, arrayType: sql`int[]`, value: ({ facts }) => facts.headerBytes },
  { name: sql`hash`, arrayType: octets, value: ({ hash }) => Buffer.from(hash, "hex") },
  {
    name: OBJECT_KEY,
    arrayType: texts,
    value: ({ objectKey, hash }) => packObjectKey(objectKey, hash),
  },
  { name: sql`message_id`, arrayType: texts, value: ({ facts }) => facts.messageId },
  { name: sql`in_reply_to`, arrayType: texts, value: ({ facts }) => facts.inReplyTo },
  {
    name: sql`reference_ids`,
    arrayType: texts,
    value: ({ facts }) => facts.references.join(" ") || null,
  },
  { name: sql`subject`, arrayType: texts, value: ({ facts }) => foldCase(facts.subject) },
  { name: sql`base_subject`, arrayType: texts, value: ({ facts }) => facts.baseSubject },
  { name: sql`is_reply`, arrayType: sql`boolean[]`, value: ({ facts }) => facts.isReply },
  {
    name: sql`sort_keys`,
    arrayType: texts,
    value: ({ facts }) => facts.sortKeys.join("\n"),
    stored: sql`string_to_array(sort_keys, E'\n')`,
  },
  { name: sql`from_text`, arrayType: texts, value: ({ facts }) => foldCase(facts.from) },
  { name: sql`to_text`, arrayType: texts, value: ({ facts }) => foldCase(facts.to) },
  { name: sql`cc_text`, arrayType: texts, value: ({ facts }) => foldCase(facts.cc) },
  { name: sql`bcc_text`, arrayType: texts, value: ({ facts }) => foldCase(facts.bcc) },
  { name: sql`envelope`, arrayType: texts, value: ({ facts }) => facts.envelope },
  { name: sql`body_structure`, arrayType: texts, value: ({ facts }) => facts.bodyStructure },
  { name: sql`structure`, arrayType: texts, value: ({ facts }) => facts.structure },
  { name: sql`header`, arrayType: octets, value: ({ facts }) => facts.header },
];

/** Their names, separated by commas. */
export const MESSAGE_COLUMNS: Sql = joined(columns.map(({ name }) => name), ", ");

/** The same with another key of the body: for copies whose body is somewhere else. */
export function columnsWithKey(key: Sql): Sql {
  return joined(columns.map(({ name }) => name === OBJECT_KEY ? key : name), ", ");
}

/** What is stored in them, when elements of `messageArrays` have their names. */
export const MESSAGE_VALUES: Sql = joined(
  columns.map(({ name, stored }) => stored ?? name),
  ", ",
);

/** An array for each of them, in their order, as arguments of `unnest`. */
export function messageArrays(batch: readonly NewMessage[]): Sql {
  const arrays = columns.map(({ arrayType, value }) => sql`${batch.map(value)}::${arrayType}`);
  return joined(arrays, ", ");
}

/** As PostgreSQL reads it; null for what is no date, or none that it can hold. */
function timestamp(date: Date): string | null {
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9999 ? date.toISOString() : null;
}
