import type { GrantChange } from "../../../auth/access_control.ts";
import { obsoleteLetters, readRights, rightLetters, type Rights } from "../../../auth/rights.ts";
import type { Scanner } from "../../wire/scanner.ts";
import { WireError } from "../../wire/wire_error.ts";

/** `rights` of RFC 4314 §7, with the obsolete letters that §2.1.1 demands. */
export function renderRights(rights: Rights): string {
  const letters = rightLetters(rights) + obsoleteLetters(rights);
  return letters === "" ? '""' : letters;
}

/** `mod-rights = astring`, RFC 4314 §3.1: "+", "-" or nothing, then letters; any other one is BAD. */
export function readRightsChange(wire: Scanner): GrantChange {
  const [, sign = "", letters = ""] = /^([+-]?)(.*)$/s.exec(wire.astring()) ?? [];
  const rights = readRights(letters);
  if (!rights) throw WireError.because("Not a right");
  return { mode: sign === "+" ? "add" : sign === "-" ? "remove" : "replace", rights };
}
