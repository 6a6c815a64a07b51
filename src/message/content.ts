import { trimBlank } from "./blank.ts";
import type { Header } from "./header.ts";
import { parseParameters, withoutComments } from "./parameters.ts";
import type { Disposition, Parameter } from "./part.ts";

/** What the Content-* fields of one part say: the descriptive half of a `Part`. */
export interface Content {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
  readonly id: string | null;
  readonly description: string | null;
  readonly encoding: string;
  readonly md5: string | null;
  readonly disposition: Disposition | null;
  readonly language: readonly string[];
  readonly location: string | null;
}

/** Octets kept of Content-ID, -Description, -Location and -MD5. */
const TEXT_MAX = 4_096;
/** Language tags kept of Content-Language (RFC 3282). */
const LANGUAGES_MAX = 100;

/** Octets read of Content-Type and Content-Disposition: room for a file name in every encoding. */
const STRUCTURED_MAX = 32 * 1024;

/** Reads them; `inDigest`: the default type is message/rfc822 (RFC 2046 §5.1.5). */
export function readContent(header: Header, inDigest: boolean): Content {
  const text = (name: string) => header.get(name)?.slice(0, TEXT_MAX) ?? null;
  const structured = (name: string) => header.get(name)?.slice(0, STRUCTURED_MAX);
  const type = structured("content-type");
  const language = header.get("content-language");
  return {
    ...(type === undefined ? missingType(inDigest) : readType(type)),
    id: text("content-id"),
    description: text("content-description"),
    encoding: readEncoding(header.get("content-transfer-encoding")),
    md5: text("content-md5"),
    disposition: readDisposition(structured("content-disposition")),
    language: language === undefined ? [] : readLanguage(language.slice(0, TEXT_MAX)),
    location: text("content-location")?.replace(/[ \t]/g, "") ?? null, // RFC 2557 §4.4
  };
}

/** Characters that only describe the part: all but what says how to read it. */
export function descriptionLength(content: Content): number {
  const { id, description, md5, location, language, parameters, disposition } = content;
  let length = 0;
  for (const text of [id, description, md5, location, ...language]) length += text?.length ?? 0;
  for (const [name, value] of [...parameters, ...disposition?.parameters ?? []]) {
    length += name.length + value.length;
  }
  return length;
}

/** The part without them; the boundary and a charset stay, as its octets cannot be read without. */
export function undescribed(content: Content): Content {
  const { parameters, disposition } = content;
  return {
    ...content,
    id: null,
    description: null,
    md5: null,
    location: null,
    language: [],
    parameters: parameters.filter(([name, value]) =>
      name === "boundary" || (name === "charset" && value.length <= CHARSET_MAX)
    ),
    disposition: disposition && { type: disposition.type, parameters: [] },
  };
}

/** RFC 2978 §2.3. */
const CHARSET_MAX = 40;

type Type = Pick<Content, "type" | "subtype" | "parameters">;

const TEXT_PLAIN: Type = { type: "text", subtype: "plain", parameters: [] };

function missingType(inDigest: boolean): Type {
  return inDigest ? { type: "message", subtype: "rfc822", parameters: [] } : TEXT_PLAIN;
}

/** RFC 2045 §5.1 token, as far as it can be a media type. */
const MEDIA_TYPE =
  /^([!#-'*+.0-9A-Z^_`a-z{|}~-]{1,127})[ \t]*(?:\/[ \t]*([!#-'*+.0-9A-Z^_`a-z{|}~-]{1,127})?)?/;

function readType(text: string): Type {
  const { value, parameters } = parseParameters(text);
  const [, type, subtype] = MEDIA_TYPE.exec(value) ?? [];
  // RFC 2045 §5.2: what cannot be read is text/plain, so that somebody can read it.
  if (type === undefined) return TEXT_PLAIN;
  if (subtype !== undefined) return { type, subtype, parameters };
  if (type === "text") return { type, subtype: "plain", parameters };
  if (type === "multipart") return { type, subtype: "mixed", parameters };
  return { type: "application", subtype: "octet-stream", parameters };
}

function readEncoding(text: string | undefined): string {
  if (text === undefined) return "7bit";
  const [encoding] = /^[!-~]{1,40}/.exec(withoutComments(text.slice(0, TEXT_MAX))) ?? [];
  if (encoding === undefined) return "7bit";
  const lower = encoding.toLowerCase().replace(/^"(.*)"$/, "$1").replace(/;$/, "");
  return ENCODINGS.get(lower) ?? (lower === "" ? "7bit" : lower);
}

/** QUIRK: misspelt encodings of old mailers. */
const ENCODINGS: ReadonlyMap<string, string> = new Map([
  ["7-bit", "7bit"],
  ["7bits", "7bit"],
  ["8-bit", "8bit"],
  ["8bits", "8bit"],
  ["quotedprintable", "quoted-printable"],
  ["quoted_printable", "quoted-printable"],
  ["x-base64", "base64"],
]);

function readDisposition(text: string | undefined): Disposition | null {
  if (text === undefined) return null;
  const { value, parameters } = parseParameters(text);
  const [type] = /^[!#-'*+.0-9A-Z^_`a-z{|}~-]{1,127}/.exec(value) ?? [];
  // RFC 2183 §2.8: an unknown disposition is an attachment; so is one that cannot be read.
  if (type === undefined) {
    return parameters.length === 0 ? null : { type: "attachment", parameters };
  }
  return { type, parameters };
}

function readLanguage(text: string): string[] {
  return withoutComments(text).split(",").map(trimBlank).filter((tag) => tag !== "")
    .slice(0, LANGUAGES_MAX);
}
