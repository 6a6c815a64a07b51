import type { User } from "../auth/authenticator.ts";
import type { View } from "./view/view.ts";

/** RFC 3501 §3: what a state does not have, its type does not have. */
export interface Sessions {
  readonly greeted: { readonly state: "greeted" };
  readonly authenticated: { readonly state: "authenticated"; readonly user: User };
  readonly selected: { readonly state: "selected"; readonly user: User; readonly view: View };
  readonly closed: { readonly state: "closed" };
}

export type State = keyof Sessions;
export type Session = Sessions[State];

/** The state diagram of RFC 3501 §3, and of RFC 8437 §5 with its way back, as data. */
export const after = {
  greeted: ["authenticated", "closed"],
  authenticated: ["selected", "greeted", "closed"],
  selected: ["selected", "authenticated", "greeted", "closed"],
  closed: [],
} as const satisfies Record<State, readonly State[]>;

/** True when RFC 3501 §3 has an arrow from one state to the other. */
export function mayFollow(from: State, to: State): boolean {
  const arrows: readonly State[] = after[from];
  return arrows.includes(to);
}
