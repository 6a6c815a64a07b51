import { decodeEntities } from "./html_entities.ts";

/**
 * The readable text of an HTML document: no markup, scripts, styles or title; block elements break
 * the line, inline elements do not. Linear and total: nothing is searched for twice.
 */
export function htmlToText(html: string): string {
  const pieces: string[] = [];
  let quotesClose = true;
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf("<", at);
    if (open < 0) {
      pieces.push(html.slice(at));
      break;
    }
    if (open > at) pieces.push(html.slice(at, open));
    if (html.startsWith("<!--", open)) {
      const close = html.indexOf("-->", open + 4);
      if (close < 0) break;
      at = close + 3;
      continue;
    }
    TAG.lastIndex = open;
    const [tag, slash = "", name = ""] = TAG.exec(html) ?? [];
    if (tag === undefined) {
      pieces.push("<"); // "a < b" is text
      at = open + 1;
      continue;
    }
    const quoted: number = quotesClose ? tagEnd(html, open + tag.length) : -1;
    // WHY: one quote that is never closed would hide the rest of the document.
    quotesClose &&= quoted >= 0;
    const end = quoted >= 0 ? quoted : html.indexOf(">", open);
    if (end < 0) break;
    at = end + 1;
    const element = name.toLowerCase();
    if (slash === "" && HIDDEN.has(element)) at = skipHidden(html, at, element);
    else if (!INLINE.has(element)) pieces.push(BREAKING.has(element) ? "\n" : " ");
  }
  return collapse(decodeEntities(pieces.join("")));
}

/** White space as one space, or as one line break if there was one in it. */
export function collapse(text: string): string {
  return text.replace(/\s+/g, (run) => run.includes("\n") ? "\n" : " ").trim();
}

const TAG = /<([/!?]?)([A-Za-z][A-Za-z0-9:-]{0,63})?(?<=[/!?A-Za-z0-9:-])/y;

const HIDDEN: ReadonlySet<string> = new Set(["script", "style", "title", "template"]);
const INLINE: ReadonlySet<string> = new Set(
  ("a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd label mark nobr o:p q s samp " +
    "small span strike strong sub sup tt u var wbr").split(" "),
);
const BREAKING: ReadonlySet<string> = new Set(
  ("address article aside blockquote body br center dd div dl dt fieldset figure footer form h1 h2 " +
    "h3 h4 h5 h6 head header hr html li main nav ol p pre section table tbody tfoot thead tr ul")
    .split(" "),
);

/** The `>` of a tag, quoted attribute values skipped; -1 when a quote or the tag never ends. */
function tagEnd(html: string, from: number): number {
  let at = from;
  for (;;) {
    TAG_STOP.lastIndex = at;
    const stop = TAG_STOP.exec(html);
    if (!stop) return -1;
    if (stop[0] === ">") return stop.index;
    const close = html.indexOf(stop[0], stop.index + 1);
    if (close < 0) return -1;
    at = close + 1;
  }
}

const TAG_STOP = /[>"']/g;

/** Behind the end tag of an element whose content is not text; the end of the document without. */
function skipHidden(html: string, from: number, element: string): number {
  const endTag = new RegExp(`</${element}`, "gi");
  endTag.lastIndex = from;
  const found = endTag.exec(html);
  if (!found) return html.length;
  const close = html.indexOf(">", found.index);
  return close < 0 ? html.length : close + 1;
}
