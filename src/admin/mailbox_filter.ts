import type { Option } from "./command.ts";

/** The option that names some mailboxes of many. */
export const mailboxFilterOption: Option = {
  value: "NAMES",
  text: 'only these, separated by commas, "*" for any text: "INBOX,Archive*"',
};

/** Whether a name is one of a list, in any case; without a list every name is. */
export function mailboxFilter(list: string | undefined): (name: string) => boolean {
  if (list === undefined) return () => true;
  const patterns = list.split(",").map((name) => name.trim()).filter((name) => name !== "")
    .map((name) => new RegExp(`^${name.split("*").map(RegExp.escape).join(".*")}$`, "isu"));
  return (name) => patterns.some((pattern) => pattern.test(name));
}
