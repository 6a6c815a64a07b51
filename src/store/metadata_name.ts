/** Longest name of an entry: it is written into single protocol lines. */
const NAME_MAX = 255;

/**
 *     entry = astring   ; slash-separated path, MUST NOT contain "*" or "%"     RFC 5464 §5
 *
 * RFC 5464 §3.2: begins with /private or /shared, no empty component, US-ASCII only, any case.
 */
const NAME = /^\/(?:private|shared)(?:\/[\x21-\x24\x26-\x29\x2b-\x2e\x30-\x7e]+)+$/;

/** The name of an entry in lower case; null when it can be none. */
export function metadataName(text: string): string | null {
  const name = text.toLowerCase();
  return name.length <= NAME_MAX && NAME.test(name) ? name : null;
}

/** The same for what is only looked at: the two roots have entries below them. */
export function metadataPath(text: string): string | null {
  const path = text.toLowerCase();
  return path === "/private" || path === "/shared" ? path : metadataName(path);
}

/** True for an entry that each user has for himself: RFC 5464 §3.1. */
export function isPrivate(name: string): boolean {
  return name.startsWith("/private");
}
