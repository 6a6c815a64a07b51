import type { Wanted } from "../../../store/messages.ts";
import { isInHeader, needsStructure } from "../../view/stored_message.ts";
import type { FetchItem } from "./items.ts";

/** What a FETCH has to read, decided once before the first message. */
export interface Plan {
  /** In the order of the response; UID in front of the others for UID FETCH. */
  readonly items: readonly FetchItem[];
  /** The narrowest source that knows everything: UIDs are in the view, flags in their own table. */
  readonly source: "view" | "states" | "rows";
  readonly want: Wanted;
  readonly hasFlags: boolean;
  readonly hasSections: boolean;
  /** RFC 3501 §6.4.5: fetching a body without PEEK sets \Seen, where anything may be changed. */
  readonly marksSeen: boolean;
}

/** Plans the answer to these items. */
export function planFetch(
  asked: readonly FetchItem[],
  { uid, readOnly }: { readonly uid: boolean; readonly readOnly: boolean },
): Plan {
  const kinds = new Set(asked.map(({ kind }) => kind));
  // RFC 3501 §6.4.8: a UID command's responses carry the UID, asked for or not.
  const items: readonly FetchItem[] = uid && !kinds.has("UID")
    ? [{ kind: "UID" }, ...asked]
    : asked;
  const sections = asked.filter((item) => item.kind === "section");
  const bodies = asked.filter((item) =>
    item.kind === "binary" || item.kind === "binarySize" || item.kind === "preview"
  );
  const narrow = [...kinds].every((kind) => NARROW.has(kind));
  return {
    items,
    source: !narrow ? "rows" : kinds.size > (kinds.has("UID") ? 1 : 0) ? "states" : "view",
    want: {
      header: sections.some(({ section }) => isInHeader(section)),
      envelope: kinds.has("ENVELOPE"),
      bodyStructure: kinds.has("BODYSTRUCTURE"),
      structure: kinds.has("BODY") ||
        bodies.some((item) => item.kind !== "preview" || !item.lazy) ||
        sections.some(({ section }) => needsStructure(section)),
      threadLinks: kinds.has("THREADID"),
      omit: {
        body: sections.length + bodies.length === 0 && !kinds.has("EMAILID"),
        internalDate: !kinds.has("INTERNALDATE"),
        savedAt: !kinds.has("SAVEDATE"),
      },
      preview: kinds.has("preview"),
    },
    hasFlags: kinds.has("FLAGS"),
    hasSections: sections.length + bodies.length > 0,
    marksSeen: !readOnly && asked.some((item) => "marksSeen" in item && item.marksSeen),
  };
}

/** What the view and the table of flags know. */
const NARROW: ReadonlySet<string> = new Set(["UID", "FLAGS", "MODSEQ"]);
