/**
 * Branded numbers and strings: a sequence number does not fit where a UID is wanted. The brand
 * exists for the compiler only; make one with `x as Uid` at the edge where the value was checked.
 */
declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Row id of an account, ≥ 1. */
export type AccountId = Brand<number, "AccountId">;
/** Row id of a mailbox, ≥ 1; never reused. */
export type MailboxId = Brand<number, "MailboxId">;
/** RFC 3501 §2.3.1.1: 1 … 4294967295, ascending within a mailbox. */
export type Uid = Brand<number, "Uid">;
/** RFC 3501 §2.3.1.2: 1 … number of messages in one session's view. */
export type Sequence = Brand<number, "Sequence">;
/** RFC 7162 §3.1: 1 … 2^53-1 here, ascending within a mailbox in commit order. */
export type Modseq = Brand<number, "Modseq">;
/** RFC 3501 §2.3.1.1: only ever grows for one mailbox name. */
export type UidValidity = Brand<number, "UidValidity">;
/** Lower-case hex SHA-256 of a whole message as it is stored: 64 characters. */
export type Hash = Brand<string, "Hash">;

/** The highest UID, sequence number or UIDVALIDITY a client can name: RFC 3501 §9 nz-number. */
export const NUMBER_MAX = 0xffff_ffff;
