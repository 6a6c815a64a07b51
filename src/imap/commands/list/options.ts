import { metadataPath } from "../../../store/metadata_name.ts";
import type { Scanner } from "../../wire/scanner.ts";
import { type StatusItem, statusItems } from "../status/items.ts";

/** Which names LIST is to give: RFC 5258 §3.1, RFC 6154 §5.1. */
export interface Selection {
  readonly subscribed: boolean;
  readonly specialUse: boolean;
  /** Also names above those that are selected. */
  readonly recursiveMatch: boolean;
}

/** What LIST is to say about each: RFC 5258 §3.2, RFC 5819, RFC 8440, RFC 9590. */
export interface Returned {
  readonly subscribed: boolean;
  readonly children: boolean;
  readonly specialUse: boolean;
  readonly myRights: boolean;
  readonly status: readonly StatusItem[];
  /** Names of annotations. */
  readonly metadata: readonly string[];
}

/** What LIST is asked for. */
export interface ListArguments {
  readonly selection: Selection;
  /** References and patterns joined; what is in no encoding of names is left out. */
  readonly patterns: readonly string[];
  /** True for `LIST "" ""`: what is the delimiter? RFC 3501 §6.3.8. */
  readonly delimiterOnly: boolean;
  readonly returned: Returned;
  /** The syntax of RFC 5258 was used, for anything but SPECIAL-USE. */
  readonly isExtended: boolean;
}

/** WHY: each is matched with every name. */
const PATTERNS_MAX = 100;
const METADATA_MAX = 100;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 *     list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat
 *            [SP "RETURN" SP "(" [return-option *(SP return-option)] ")"]      RFC 5258 §6
 */
export function listArguments(wire: Scanner): ListArguments {
  const selects = wire.sp().peek() === "(";
  const selection = selects ? selectOptions(wire) : NOTHING_SELECTED;
  if (selects) wire.sp();
  const reference = wire.listMailbox();
  const isMany = wire.sp().peek() === "(";
  const patterns = isMany ? wire.list(() => wire.listMailbox()) : [wire.listMailbox()];
  if (patterns.length > PATTERNS_MAX) wire.fail(`at most ${PATTERNS_MAX} patterns`);
  const returns = wire.maybe(" RETURN ");
  const returned = returns ? returnOptions(wire) : NOTHING_RETURNED;
  const { subscribed, recursiveMatch } = selection;
  return {
    selection,
    patterns: reference === null
      ? []
      : patterns.flatMap((pattern) => pattern === null ? [] : [reference + pattern]),
    delimiterOnly: !isMany && !selects && patterns[0] === "",
    returned,
    isExtended: isMany || subscribed || recursiveMatch || returned.subscribed ||
      returned.myRights || returned.status.length > 0 || returned.metadata.length > 0,
  };
}

const NOTHING_SELECTED: Selection = { subscribed: false, specialUse: false, recursiveMatch: false };
const NOTHING_RETURNED: Returned = {
  subscribed: false,
  children: false,
  specialUse: false,
  myRights: false,
  status: [],
  metadata: [],
};

function selectOptions(wire: Scanner): Selection {
  const selection: Mutable<Selection> = { ...NOTHING_SELECTED };
  if (wire.maybe("()")) return selection;
  wire.list(() => {
    switch (wire.word()) {
      case "SUBSCRIBED":
        return selection.subscribed = true;
      case "SPECIAL-USE":
        return selection.specialUse = true;
      case "RECURSIVEMATCH":
        return selection.recursiveMatch = true;
      case "REMOTE": // RFC 5258 §3.1: there are no remote mailboxes here.
        return;
      default:
        return wire.fail("list-select-opt");
    }
  });
  // RFC 5258 §3.1: it says nothing by itself.
  if (selection.recursiveMatch && !selection.subscribed && !selection.specialUse) {
    wire.fail("RECURSIVEMATCH with another option");
  }
  return selection;
}

function returnOptions(wire: Scanner): Returned {
  const returned: Mutable<Returned> = { ...NOTHING_RETURNED };
  if (wire.maybe("()")) return returned;
  wire.list(() => {
    switch (wire.word()) {
      case "SUBSCRIBED":
        return returned.subscribed = true;
      case "CHILDREN":
        return returned.children = true;
      case "SPECIAL-USE":
        return returned.specialUse = true;
      case "MYRIGHTS":
        return returned.myRights = true;
      case "STATUS":
        return returned.status = statusItems(wire.sp());
      case "METADATA":
        return returned.metadata = metadataNames(wire.sp());
      default:
        return wire.fail("return-option");
    }
  });
  return returned;
}

function metadataNames(wire: Scanner): string[] {
  const names = wire.list(() => metadataPath(wire.astring()) ?? wire.fail("entry"));
  if (names.length > METADATA_MAX) wire.fail(`at most ${METADATA_MAX} entries`);
  return [...new Set(names)];
}
