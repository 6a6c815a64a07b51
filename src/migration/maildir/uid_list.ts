import { NUMBER_MAX, type Uid, type UidValidity } from "../../lib/ids.ts";

/** `dovecot-uidlist`: which UIDs the files of a folder have. */
export interface UidList {
  readonly uidValidity: UidValidity;
  readonly uidNext: Uid;
  /** By the name of the file in front of its flags. */
  readonly uids: ReadonlyMap<string, Uid>;
}

/**
 * Reads version 1 (Courier's "courierimapuiddb" is the same) and 3; null for what is neither.
 *
 *     list   = ("1" SP uidvalidity SP uidnext / "3" *(SP "V" uidvalidity / SP "N" uidnext / SP field)) LF
 *     record = uid *(SP field) SP [":"] file LF
 */
export function parseUidList(text: string): UidList | null {
  const [head = "", ...records] = text.split("\n");
  const [version, ...fields] = head.split(" ");
  const validity = version === "3" ? field(fields, "V") : version === "1" ? fields[0] : undefined;
  const next = version === "3" ? field(fields, "N") : fields[1];
  const uidValidity = number(validity);
  if (uidValidity === null) return null;
  const uids = new Map<string, Uid>();
  let last = 0;
  for (const record of records) {
    const [, digits, rest = ""] = /^(\d{1,10}) (.+)$/.exec(record) ?? [];
    const uid = number(digits);
    // WHY: a list that somebody cut or joined; what is out of order has no UID that can be trusted.
    if (uid === null || uid <= last) continue;
    last = uid;
    uids.set(baseOf(fileOf(rest, version ?? "")), uid as Uid);
  }
  const uidNext = Math.max(number(next) ?? 1, last + 1);
  if (uidNext > NUMBER_MAX) return null;
  return { uidValidity: uidValidity as UidValidity, uidNext: uidNext as Uid, uids };
}

/** Writes version 3, in the order of the UIDs. */
export function renderUidList(
  { uidValidity, uidNext }: Pick<UidList, "uidValidity" | "uidNext">,
  files: readonly (readonly [uid: Uid, base: string])[],
): string {
  const records = files.map(([uid, base]) => `${uid} :${base}\n`);
  return `3 V${uidValidity} N${uidNext}\n${records.join("")}`;
}

function field(fields: readonly string[], letter: string): string | undefined {
  return fields.find((one) => one.startsWith(letter))?.slice(1);
}

/** Behind the fields of a record, which begin with a letter each; version 1 has none. */
function fileOf(rest: string, version: string): string {
  if (version === "1") return rest;
  const colon = rest.startsWith(":") ? 0 : rest.indexOf(" :");
  return colon < 0 ? rest : rest.slice(rest.indexOf(":", colon) + 1);
}

/** QUIRK: older Dovecots wrote the flags of the moment, too. */
function baseOf(file: string): string {
  const colon = file.indexOf(":2,");
  return colon < 0 ? file : file.slice(0, colon);
}

function number(text: string | undefined): number | null {
  const value = text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= NUMBER_MAX ? value : null;
}
