import type { Section } from "../../../message/section.ts";
import { asUtf8, Scanner } from "../../wire/scanner.ts";
import { WireError } from "../../wire/wire_error.ts";
import { sectionSpec } from "../fetch/items.ts";

/** What a URL of CATENATE names: a message of the same server, or a part of one. */
export interface MessageUrl {
  /** null: the selected mailbox. A name that is `relative` stands beside the selected mailbox's. */
  readonly mailbox: { readonly name: string; readonly relative: boolean } | null;
  readonly uidValidity: number | null;
  readonly uid: number;
  readonly section: Section;
  /** Octets [origin, origin + length) of the section; a length of null: to its end. */
  readonly partial: { readonly origin: number; readonly length: number | null } | null;
}

/** WHY: a mailbox name and a section, written as triplets, are shorter. */
const URL_LENGTH_MAX = 8_000;

const WHOLE: Section = { path: [], text: null, fields: [] };

/**
 * Null for what is no such URL: another server's, an authorised one (RFC 4467), or none at all.
 *
 *     imessagepart = ["/" enc-mailbox [";UIDVALIDITY=" nz-number] "/"] ";UID=" nz-number
 *                    ["/;SECTION=" enc-section] ["/;PARTIAL=" number ["." nz-number]]
 *                                                                           RFC 5092 §11, RFC 4469 §3
 */
export function readMessageUrl(text: string): MessageUrl | null {
  if (text.length > URL_LENGTH_MAX || SCHEME.test(text)) return null;
  const found = MESSAGE_URL.exec(text)?.groups;
  if (!found) return null;
  const { slash, path, validity, uid, section: spec, origin, length } = found;
  const name = path === undefined ? null : decoded(path);
  const section = spec === undefined ? WHOLE : readSection(spec);
  const numbers = [validity, uid, length].filter((digits) => digits !== undefined).map(Number);
  // RFC 5092 §11: nz-number.
  if (numbers.some((number) => number === 0 || number > 0xffff_ffff)) return null;
  if (section === null || path !== undefined && name === null) return null;
  return {
    mailbox: name === null ? null : { name, relative: slash === "" },
    uidValidity: validity === undefined ? null : Number(validity),
    uid: Number(uid),
    section,
    partial: origin === undefined
      ? null
      : { origin: Number(origin), length: length === undefined ? null : Number(length) },
  };
}

/** A URL that cannot be used, as a response code may hold it: `url-resp-text` of RFC 4469 §5. */
export function renderUrl(text: string): string {
  return text.slice(0, SHOWN_MAX).replace(/[^!-Z\\^-~]/g, (octet) => {
    return `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  });
}

/** WHY: the client knows what it sent; a line must stay a line. */
const SHOWN_MAX = 1_000;

// RFC 4469 §3: a URL with a scheme may mean another server.
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
// RFC 5092 §11: in names and sections ";" is always written as a triplet, and so is every 8-bit octet.
const CHARS = String.raw`(?:[A-Za-z0-9\-._~!$'()*+,&=:@/]|%[0-9A-Fa-f]{2})+?`;
const MESSAGE_URL = new RegExp(
  String.raw`^(?<slash>\/?)(?:(?<path>(?!\/)${CHARS})(?:;UIDVALIDITY=(?<validity>\d{1,10}))?\/)?` +
    String.raw`;UID=(?<uid>\d{1,10})(?:\/;SECTION=(?<section>${CHARS}))?` +
    String.raw`(?:\/;PARTIAL=(?<origin>\d{1,10})(?:\.(?<length>\d{1,10}))?)?$`,
  "i",
);

/** Triplets as octets, and those as UTF-8; null when they are none. */
function decoded(text: string): string | null {
  const octets = text.replace(/%(..)/g, (_all, hex) => String.fromCharCode(parseInt(hex, 16)));
  return asUtf8(octets)?.normalize("NFC") ?? null;
}

/** The section that FETCH BODY[…] would be asked for. */
function readSection(text: string): Section | null {
  const spec = decoded(text);
  if (spec === null || spec === "") return null;
  try {
    const wire = new Scanner(`${spec}]`);
    const section = sectionSpec(wire);
    wire.expect("]").end();
    return section;
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
