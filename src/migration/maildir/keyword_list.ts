import { KEYWORD_LETTERS } from "./file_name.ts";

/** `dovecot-keywords`: what the letters "a" … "z" of a folder's files mean, by place. */
export function parseKeywordList(text: string): ReadonlyMap<number, string> {
  const keywords = new Map<number, string>();
  for (const line of text.split("\n")) {
    const [, place, keyword = ""] = /^(\d{1,2}) (\S+)$/.exec(line) ?? [];
    if (place !== undefined && Number(place) < KEYWORD_LETTERS) {
      keywords.set(Number(place), keyword);
    }
  }
  return keywords;
}

/** The same as text; those beyond the letters are left out. */
export function renderKeywordList(keywords: readonly string[]): string {
  return keywords.slice(0, KEYWORD_LETTERS).map((keyword, place) => `${place} ${keyword}\n`).join(
    "",
  );
}
