import type { Steps } from "../lib/steps.ts";
import { FieldFilter } from "./field_filter.ts";
import type { Part } from "./part.ts";

/** RFC 3501 §9 `section-spec`, as the IMAP scanner read it. */
export interface Section {
  readonly path: readonly number[];
  readonly text: null | "HEADER" | "HEADER.FIELDS" | "HEADER.FIELDS.NOT" | "TEXT" | "MIME";
  /** Of HEADER.FIELDS and HEADER.FIELDS.NOT, in any case. */
  readonly fields: readonly string[];
}

/** Where a section lies in the whole message: octets [start, end). */
export interface Location {
  readonly start: number;
  readonly end: number;
  /** HEADER.FIELDS and HEADER.FIELDS.NOT: what to make of those octets. */
  readonly filter: null | ((header: Uint8Array) => Steps<Uint8Array>);
}

/**
 * Finds a section (RFC 3501 §6.4.5); null when there is no such part, never the whole message.
 * `headerBytes` and `sizeBytes` are those of the stored message, trace fields included.
 */
export function locateSection(
  root: Part,
  section: Section,
  headerBytes: number,
  sizeBytes: number,
): Location | null {
  const range = section.path.length === 0
    ? wholeMessage(section, headerBytes, sizeBytes)
    : somePart(root, section, headerBytes);
  if (!range) return null;
  const [start, end] = range;
  return {
    start: Math.min(start, sizeBytes),
    end: Math.min(end, sizeBytes),
    filter: filterOf(section),
  };
}

type Range = readonly [start: number, end: number];

function wholeMessage({ text }: Section, headerBytes: number, sizeBytes: number): Range | null {
  switch (text) {
    case null:
      return [0, sizeBytes];
    case "TEXT":
      return [headerBytes, sizeBytes];
    case "MIME": // RFC 3501 §6.4.5: must be prefixed by a part number
      return null;
    case "HEADER":
    case "HEADER.FIELDS":
    case "HEADER.FIELDS.NOT":
      return [0, headerBytes];
  }
}

function somePart(root: Part, { path, text }: Section, headerBytes: number): Range | null {
  const part = findPart(root, path);
  if (!part) return null;
  const at = (start: number, end: number): Range => [headerBytes + start, headerBytes + end];
  const headerOf = (owner: Part): Range =>
    owner === root ? [0, headerBytes] : at(owner.headerStart, owner.bodyStart);
  const body = part.message?.body;
  switch (text) {
    case null:
      return at(part.bodyStart, part.bodyEnd);
    case "MIME":
      return headerOf(part);
    case "TEXT": // RFC 3501 §6.4.5: of message/rfc822 parts only
      return body ? at(body.bodyStart, body.bodyEnd) : null;
    case "HEADER":
    case "HEADER.FIELDS":
    case "HEADER.FIELDS.NOT":
      return body ? headerOf(body) : null;
  }
}

/** The part with that number: RFC 3501 §6.4.5, "each level of nesting is a period". */
export function findPart(root: Part, path: readonly number[]): Part | null {
  let part: Part | null = null;
  for (const number of path) {
    part = part === null ? partOfMessage(root, number) : partInside(part, number);
    if (part === null) return null;
  }
  return part;
}

function partInside(part: Part, number: number): Part | null {
  if (part.message) return partOfMessage(part.message.body, number);
  return part.type === "multipart" ? partOfMessage(part, number) : null;
}

/** A message that is no multipart has only a part 1: itself. */
function partOfMessage(body: Part, number: number): Part | null {
  if (body.type !== "multipart") return number === 1 ? body : null;
  if (body.children.length === 0 && number === 1) return emptyPart(body);
  return body.children[number - 1] ?? null;
}

/** The one part that BODYSTRUCTURE shows for a multipart without parts. */
function emptyPart(multipart: Part): Part {
  const { bodyEnd } = multipart;
  return {
    ...multipart,
    type: "text",
    subtype: "plain",
    headerStart: bodyEnd,
    bodyStart: bodyEnd,
    bodyEnd,
    children: [],
  };
}

/** WHY: every message of a FETCH is asked for the same section. */
const filters = new WeakMap<Section, Location["filter"]>();

function filterOf(section: Section): Location["filter"] {
  const { text, fields } = section;
  if (text !== "HEADER.FIELDS" && text !== "HEADER.FIELDS.NOT") return null;
  const known = filters.get(section);
  if (known) return known;
  const fieldFilter = new FieldFilter(fields, text === "HEADER.FIELDS");
  const filter = (header: Uint8Array) => fieldFilter.apply(header);
  filters.set(section, filter);
  return filter;
}
