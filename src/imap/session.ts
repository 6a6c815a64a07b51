import type { User } from "../auth/authenticator.ts";
import type { View } from "./view/view.ts";

/** RFC 3501 §3: what a state does not have, its type does not have. */
export type Session =
  | { readonly state: "greeted" }
  | { readonly state: "authenticated"; readonly user: User }
  | { readonly state: "selected"; readonly user: User; readonly view: View }
  | { readonly state: "closed" };

export type State = Session["state"];

/** The state diagram of RFC 3501 §3, as data. */
export const after = {
  greeted: ["authenticated", "closed"],
  authenticated: ["selected", "closed"],
  selected: ["selected", "authenticated", "closed"],
  closed: [],
} as const satisfies Record<State, readonly State[]>;

/** True when RFC 3501 §3 has an arrow from one state to the other. */
export function mayFollow(from: State, to: State): boolean {
  const arrows: readonly State[] = after[from];
  return arrows.includes(to);
}
