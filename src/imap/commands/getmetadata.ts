import { toBinary } from "../../lib/bytes.ts";
import { Refused } from "../../lib/refused.ts";
import type { MetadataEntry, MetadataQuery, MetadataTarget } from "../../store/metadata.ts";
import { metadataPath } from "../../store/metadata_name.ts";
import { command, type Completion, type Context } from "../command.ts";
import { renderAstring, renderValue } from "../wire/quote.ts";
import type { Scanner } from "../wire/scanner.ts";

/** WHY: a client asks for what it knows; entries below others come by DEPTH. */
const PATHS_MAX = 100;

interface Options {
  /** Largest value that is returned, in octets. */
  readonly maxSize: number;
  readonly depth: MetadataQuery["depth"];
}

/**
 * GETMETADATA: RFC 5464 §4.2. QUIRK: the options stand behind the mailbox in the RFC's own examples
 * and in many clients, ahead of it in its grammar; both are read.
 *
 *     getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries
 */
export const getMetadata = command("GETMETADATA", {
  states: ["authenticated", "selected"],
  capability: "METADATA",
  parse(wire) {
    wire.sp();
    const ahead = wire.peek() === "(" ? options(wire) : null;
    if (ahead) wire.sp();
    const mailbox = wire.mailbox();
    wire.sp();
    const behind = !ahead && wire.peek() === "(" && !wire.continues(LIST_OF_ENTRIES)
      ? options(wire)
      : null;
    if (behind) wire.sp();
    return { mailbox, ...(ahead ?? behind ?? NO_OPTIONS), paths: entries(wire) };
  },
  async execute({ mailbox, maxSize, depth, paths }, context): Promise<Completion> {
    const { services: { metadata }, reply } = context;
    const target = await metadataTarget(mailbox, context);
    const found = await metadata.get(target, { paths, depth });
    const long = found.filter(({ value }) => value.length > maxSize);
    const short = found.filter(({ value }) => value.length <= maxSize);
    const missing = depth === 0
      ? paths.filter((path) => !found.some(({ name }) => name === path))
      : [];
    const pairs = [
      ...short.map(renderEntry),
      ...missing.map((name) => `${renderAstring(name)} NIL`),
    ];
    if (pairs.length > 0) {
      reply.untagged(`METADATA ${reply.mailbox(mailbox)} (${pairs.join(" ")})`);
    }
    if (long.length === 0) return {};
    const longest = Math.max(...long.map(({ value }) => value.length));
    return { code: `METADATA LONGENTRIES ${longest}` };
  },
});

const NO_OPTIONS: Options = { maxSize: Infinity, depth: 0 };
const LIST_OF_ENTRIES = /\("?\//y;

/** `entry SP value` of an answer. */
export function renderEntry({ name, value }: MetadataEntry): string {
  return `${renderAstring(name)} ${renderValue(toBinary(value))}`;
}

/**
 * RFC 5464 §3.3: who sees a mailbox and may do anything in it may read and write annotations. An
 * empty name means the server.
 */
export async function metadataTarget(
  mailbox: string,
  { session: { user }, services: { access } }: Context<"authenticated" | "selected">,
): Promise<MetadataTarget> {
  if (mailbox === "") return { mailbox: null, account: user.accountId };
  const found = await access.find(user, mailbox, ["l"]);
  const mayUse = (["r", "s", "w", "i", "p"] as const).some((right) => found.rights.has(right));
  if (!mayUse) throw new Refused({ kind: "not-permitted" });
  return { mailbox: found, account: user.accountId };
}

/** `"(" ("MAXSIZE" SP number / "DEPTH" SP ("0" / "1" / "infinity")) … ")"`. */
function options(wire: Scanner): Options {
  const read: { -readonly [K in keyof Options]: Options[K] } = { ...NO_OPTIONS };
  wire.list(() => {
    if (wire.maybe("MAXSIZE ")) read.maxSize = wire.number();
    else if (wire.maybe("DEPTH ")) read.depth = depth(wire);
    else wire.fail("MAXSIZE or DEPTH");
  });
  return read;
}

function depth(wire: Scanner): Options["depth"] {
  if (wire.maybe("0")) return 0;
  if (wire.maybe("1")) return 1;
  wire.expect("infinity");
  return "infinity";
}

/** One entry, or several. QUIRK: several without parentheses, as in an example of RFC 5464 §4.4.1. */
function entries(wire: Scanner): string[] {
  if (wire.peek() === "(") return limited(wire, wire.list(() => entry(wire)));
  const paths = [entry(wire)];
  while (wire.maybe(" ")) paths.push(entry(wire));
  return limited(wire, paths);
}

function limited(wire: Scanner, paths: string[]): string[] {
  if (paths.length > PATHS_MAX) wire.fail(`at most ${PATHS_MAX} entries`);
  return [...new Set(paths)];
}

function entry(wire: Scanner): string {
  return metadataPath(wire.astring()) ?? wire.fail("entry");
}
