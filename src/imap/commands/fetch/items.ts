import type { Section } from "../../../message/section.ts";
import { renderAstring } from "../../wire/quote.ts";
import type { Scanner } from "../../wire/scanner.ts";

/** One thing that FETCH asks for about each message: RFC 3501 §6.4.5. */
export type FetchItem =
  | { readonly kind: PlainItem }
  | {
    readonly kind: "section";
    /** What the response calls it: `BODY[TEXT]<0>`, `RFC822`. */
    readonly label: string;
    readonly section: Section;
    readonly partial: Partial | null;
    /** Not a PEEK: the message becomes \Seen. */
    readonly marksSeen: boolean;
  }
  | {
    readonly kind: "binary";
    /** `BINARY[1.2]<0>`. */
    readonly label: string;
    readonly path: readonly number[];
    readonly partial: Partial | null;
    readonly marksSeen: boolean;
  }
  | { readonly kind: "binarySize"; readonly label: string; readonly path: readonly number[] }
  /** RFC 8970: `lazy` asks for it only if it is known already. */
  | { readonly kind: "preview"; readonly lazy: boolean };

/** Items without arguments. */
export type PlainItem =
  | "EMAILID"
  | "FLAGS"
  | "MODSEQ"
  | "SAVEDATE"
  | "THREADID"
  | "UID"
  | "INTERNALDATE"
  | "RFC822.SIZE"
  | "ENVELOPE"
  | "BODY"
  | "BODYSTRUCTURE";

/** `<origin.length>`: at most that many octets, from there on. */
export interface Partial {
  readonly origin: number;
  readonly length: number;
}

/** WHY: each item may cost a body per message; no client asks for a tenth of this. */
const ITEMS_MAX = 200;
/** WHY: deeper than any message that the MIME parser looks into. */
const PATH_DEPTH_MAX = 100;

const macros: readonly (readonly [name: string, items: readonly PlainItem[]])[] = [
  ["ALL", ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"]],
  ["FAST", ["FLAGS", "INTERNALDATE", "RFC822.SIZE"]],
  ["FULL", ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"]],
];

/**
 *     "ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")"   RFC 3501 §9
 *
 * Each item once, however often it was named.
 */
export function fetchItems(wire: Scanner): FetchItem[] {
  for (const [name, items] of macros) if (wire.maybe(name)) return items.map((kind) => ({ kind }));
  if (wire.peek() !== "(") return [fetchAtt(wire)];
  const items = new Map<string, FetchItem>();
  wire.list(() => {
    const item = fetchAtt(wire);
    const key = keyOf(item);
    items.set(key, merged(item, items.get(key)));
    if (items.size > ITEMS_MAX) wire.fail(`at most ${ITEMS_MAX} items`);
  });
  return [...items.values()];
}

function keyOf(item: FetchItem): string {
  switch (item.kind) {
    case "section":
    case "binary":
      return `${item.label}.${item.partial?.length ?? ""}`;
    case "binarySize":
      return item.label;
    default:
      return item.kind;
  }
}

/** Asked for with and without PEEK, a section is not peeked at. */
function merged(item: FetchItem, before: FetchItem | undefined): FetchItem {
  const marks = before?.kind === "section" || before?.kind === "binary";
  return marks && before.marksSeen ? before : item;
}

/** WHY: longer names first, as each may begin with another. */
const plainItems: readonly PlainItem[] = [
  "BODYSTRUCTURE",
  "BODY",
  "EMAILID",
  "ENVELOPE",
  "FLAGS",
  "INTERNALDATE",
  "MODSEQ",
  "RFC822.SIZE",
  "SAVEDATE",
  "THREADID",
  "UID",
];

/** The items of RFC 2060 days, as the sections that they are: RFC 3501 §6.4.5. */
const rfc822: readonly (readonly [label: string, text: Section["text"]])[] = [
  ["RFC822.HEADER", "HEADER"],
  ["RFC822.TEXT", "TEXT"],
  ["RFC822", null],
];

function fetchAtt(wire: Scanner): FetchItem {
  if (wire.maybe("BODY.PEEK[")) return bodySection(wire, false);
  if (wire.maybe("BODY[")) return bodySection(wire, true);
  if (wire.maybe("BINARY.PEEK[")) return binary(wire, false);
  if (wire.maybe("BINARY.SIZE[")) return binarySize(wire);
  if (wire.maybe("BINARY[")) return binary(wire, true);
  if (wire.maybe("PREVIEW")) return { kind: "preview", lazy: wire.maybe(" (LAZY)") };
  for (const kind of plainItems) if (wire.maybe(kind)) return { kind };
  for (const [label, text] of rfc822) {
    if (!wire.maybe(label)) continue;
    const marksSeen = text !== "HEADER";
    const section = { path: [], text, fields: [] };
    return { kind: "section", label, section, partial: null, marksSeen };
  }
  return wire.fail("fetch-att");
}

/** `"BODY" [".PEEK"] section ["<" number "." nz-number ">"]`, from behind the bracket on. */
function bodySection(wire: Scanner, marksSeen: boolean): FetchItem {
  const section = sectionSpec(wire);
  wire.expect("]");
  const partial = wire.maybe("<") ? { origin: wire.number(), length: octets(wire) } : null;
  const origin = partial ? `<${partial.origin}>` : "";
  return { kind: "section", label: `BODY[${name(section)}]${origin}`, section, partial, marksSeen };
}

/** `"BINARY" [".PEEK"] section-binary [partial]`, from behind the bracket on: RFC 3516 §7. */
function binary(wire: Scanner, marksSeen: boolean): FetchItem {
  const path = sectionPart(wire);
  const partial = wire.maybe("<") ? { origin: wire.number(), length: octets(wire) } : null;
  const origin = partial ? `<${partial.origin}>` : "";
  const label = `BINARY[${path.join(".")}]${origin}`;
  return { kind: "binary", label, path, partial, marksSeen };
}

/** `"BINARY.SIZE" section-binary`. */
function binarySize(wire: Scanner): FetchItem {
  const path = sectionPart(wire);
  return { kind: "binarySize", label: `BINARY.SIZE[${path.join(".")}]`, path };
}

/** `section-binary = "[" [section-part] "]"`. */
function sectionPart(wire: Scanner): number[] {
  const path: number[] = [];
  if (wire.maybe("]")) return path;
  do {
    path.push(wire.nzNumber());
    if (path.length > PATH_DEPTH_MAX) wire.fail("a shorter section-part");
  } while (wire.maybe("."));
  wire.expect("]");
  return path;
}

function octets(wire: Scanner): number {
  const length = wire.expect(".").nzNumber();
  wire.expect(">");
  return length;
}

/** `section-spec = section-msgtext / (section-part ["." section-text])`, or nothing. */
export function sectionSpec(wire: Scanner): Section {
  if (wire.peek() === "]") return { path: [], text: null, fields: [] };
  const path: number[] = [];
  while (/\d/.test(wire.peek())) {
    path.push(wire.nzNumber());
    if (path.length > PATH_DEPTH_MAX) wire.fail("a shorter section-part");
    if (!wire.maybe(".")) return { path, text: null, fields: [] };
  }
  // RFC 3501 §6.4.5: MIME belongs to a part.
  if (path.length > 0 && wire.maybe("MIME")) return { path, text: "MIME", fields: [] };
  for (const text of ["HEADER.FIELDS.NOT", "HEADER.FIELDS"] as const) {
    if (wire.maybe(text)) return { path, text, fields: wire.sp().list(() => wire.astring()) };
  }
  if (wire.maybe("HEADER")) return { path, text: "HEADER", fields: [] };
  if (wire.maybe("TEXT")) return { path, text: "TEXT", fields: [] };
  return wire.fail("section-text");
}

function name({ path, text, fields }: Section): string {
  const words = [...path, ...(text === null ? [] : [text])].join(".");
  return fields.length === 0 ? words : `${words} (${fields.map(renderAstring).join(" ")})`;
}
