import { z } from "zod";
import { DURATION_MS_MAX, formatDuration, parseDuration } from "./duration.ts";
import { isNetwork, parseListenAddress } from "./listen_address.ts";
import { setting } from "./setting.ts";
import { parseSize } from "./size.ts";

/** `true` or `false`. */
export function flag(fallback: boolean, text: string) {
  return setting(z.boolean().prefault(fallback), {
    kind: "true or false",
    expected: "true or false",
    text,
    fallback: String(fallback),
  });
}

/** A whole number within limits, both included. */
export function count(
  fallback: number,
  text: string,
  { min, max }: { readonly min: number; readonly max: number },
) {
  return setting(z.int().min(min).max(max).prefault(fallback), {
    kind: "number",
    expected: `a whole number from ${min} to ${max}`,
    text,
    fallback: String(fallback),
  });
}

/** A length of time; milliseconds inside. `0` only where `min` is 0. */
export function duration(
  fallback: string,
  text: string,
  { min = 0, max = DURATION_MS_MAX, example }: {
    readonly min?: number;
    readonly max?: number;
    readonly example?: string;
  } = {},
) {
  const limits = [
    min > 0 ? `at least ${formatDuration(min)}` : "",
    max < DURATION_MS_MAX ? `at most ${formatDuration(max)}` : "",
  ].filter((limit) => limit !== "").join(" and ");
  const sample = example ?? (fallback === "0" ? "30s" : fallback);
  return setting(
    z.union([z.string(), z.literal(0)]).transform((value, context) => {
      const ms = value === 0 ? 0 : parseDuration(value);
      return ms !== undefined && ms >= min && ms <= max ? ms : refuse(value, context);
    }).prefault(fallback),
    {
      kind: "duration",
      expected: `a duration such as "${sample}"${limits === "" ? "" : `, ${limits}`}`,
      text,
      fallback: JSON.stringify(fallback),
    },
  );
}

/** A number of octets, written `25mb` or 26214400. */
export function size(
  fallback: string,
  text: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER, limits = "" }: {
    readonly min?: number;
    readonly max?: number;
    readonly limits?: string;
  } = {},
) {
  return setting(
    z.union([z.string(), z.int()]).transform((value, context) => {
      const octets = typeof value === "number" ? value : parseSize(value);
      const fits = octets !== undefined && octets >= min && octets <= max;
      return fits ? octets : refuse(value, context);
    }).prefault(fallback),
    {
      kind: "size",
      expected: `a size such as "${fallback}"${limits === "" ? "" : `, ${limits}`}`,
      text,
      fallback: JSON.stringify(fallback),
    },
  );
}

/** Any text, trimmed. */
export function text(fallback: string, words: string, { example }: { example?: string } = {}) {
  return setting(z.string().trim().prefault(fallback), {
    kind: "text",
    expected: "text in quotes",
    text: words,
    fallback: JSON.stringify(fallback),
    ...(example === undefined ? {} : { example: JSON.stringify(example) }),
  });
}

/** Text, or nothing; never empty. */
export function optionalText(
  words: string,
  { example, expected }: { readonly example: string; readonly expected?: string },
) {
  return setting(z.string().trim().min(1).optional(), {
    kind: "text",
    expected: expected ?? "text in quotes, not empty",
    text: words,
    example: JSON.stringify(example),
  });
}

/** Text that must be given; never empty. */
export function requiredText(
  words: string,
  { example, expected }: { readonly example: string; readonly expected?: string },
) {
  return setting(z.string().trim().min(1), {
    kind: "text, required",
    expected: expected ?? "text in quotes, not empty",
    text: words,
    example: JSON.stringify(example),
  });
}

/** Text of a given form. */
export function textLike(
  fallback: string,
  words: string,
  { expected, accept }: { readonly expected: string; readonly accept: (text: string) => boolean },
) {
  return setting(z.string().trim().refine(accept).prefault(fallback), {
    kind: "text",
    expected,
    text: words,
    fallback: JSON.stringify(fallback),
  });
}

/** One of a few words; `aliases` are other spellings of them. */
export function oneOf<const T extends readonly [string, ...string[]]>(
  words: T,
  fallback: T[number],
  sentence: string,
) {
  return setting(z.enum(words).prefault(fallback as never), {
    kind: words.map((word) => `"${word}"`).join(", "),
    expected: `one of ${words.map((word) => `"${word}"`).join(", ")}`,
    text: sentence,
    fallback: JSON.stringify(fallback),
  });
}

/**
 * Something only the operator may know; may also come from `<name>_file` or the environment. It may be
 * missing; undefined then.
 */
export function optionalSecret(
  words: string,
  { env, min = 0 }: { readonly env: string | null; readonly min?: number },
) {
  return setting(z.string().min(min).optional(), {
    kind: "secret",
    expected: min > 0 ? `text of at least ${min} characters in quotes` : "text in quotes",
    text: words,
    example: JSON.stringify("change me".padEnd(min, ".")),
    secret: { env },
  });
}

/** The path of a file that holds a secret; the loader reads it. */
export function secretFile(of: string) {
  return setting(z.string().min(1).optional(), {
    kind: "path",
    expected: "the path of a readable file in quotes",
    text: `A file that holds \`${of}\`, instead of \`${of}\`; white space around it is cut off.`,
    example: JSON.stringify(`/etc/sora/${of}`),
  });
}

/** Where to listen. */
export function listenAddress(fallback: string, words: string) {
  return setting(
    z.string().transform((value, context) => parseListenAddress(value) ?? refuse(value, context))
      .prefault(fallback),
    {
      kind: "address",
      expected: 'an address and port such as ":143", "127.0.0.1:143" or "[::1]:143"',
      text: words,
      fallback: JSON.stringify(fallback),
    },
  );
}

/** A list of addresses and CIDR networks. */
export function networks(fallback: readonly string[], words: string) {
  return setting(z.array(z.string().trim().refine(isNetwork)).prefault([...fallback]), {
    kind: "list of networks",
    expected: 'a list of networks such as ["10.0.0.0/8", "::1"]',
    text: words,
    fallback: tomlList(fallback),
  });
}

/** A list of short texts. */
export function words(sentence: string, { example }: { readonly example: readonly string[] }) {
  return setting(z.array(z.string().trim().min(1)).prefault([]), {
    kind: "list of texts",
    expected: `a list of texts such as ${tomlList(example)}`,
    text: sentence,
    fallback: "[]",
    example: tomlList(example),
  });
}

/** One text or a list of them, at least one. */
export function oneOrMore(
  fallback: readonly [string, ...string[]],
  sentence: string,
  { expected, accept }: { readonly expected: string; readonly accept: (text: string) => boolean },
) {
  const element = z.string().trim().refine(accept);
  const list = z.union([element.transform((one) => [one]), z.array(element).min(1)]);
  return setting(list.prefault([...fallback]), {
    kind: "text or list of texts",
    expected,
    text: sentence,
    fallback: tomlList(fallback),
  });
}

/** A TCP port, as a number or as digits in quotes. */
export function port(fallback: number, sentence: string) {
  const digits = z.string().regex(/^\d{1,5}$/).transform(Number);
  const schema = z.union([z.int(), digits]).pipe(z.int().min(1).max(65535));
  return setting(schema.prefault(fallback), {
    kind: "port",
    expected: "a port from 1 to 65535",
    text: sentence,
    fallback: String(fallback),
  });
}

function tomlList(list: readonly string[]): string {
  return `[${list.map((element) => JSON.stringify(element)).join(", ")}]`;
}

/** WHY: the message is made from the facts; zod only has to know that there is an issue. */
function refuse(input: unknown, context: { issues: unknown[] }): never {
  context.issues.push({ code: "custom", message: "", input });
  return z.NEVER;
}
