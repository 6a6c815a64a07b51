import assert from "node:assert/strict";
import { after, mayFollow, type State } from "../../src/imap/session.ts";

const states: readonly State[] = ["greeted", "authenticated", "selected", "closed"];

Deno.test("the session's states follow each other as in the diagram of RFC 3501 §3", () => {
  const arrows = states.flatMap((from) =>
    states.filter((to) => mayFollow(from, to)).map((to) => `${from} -> ${to}`)
  );
  assert.deepEqual(arrows, [
    "greeted -> authenticated", // (4) successful LOGIN or AUTHENTICATE
    "greeted -> closed", // (7) LOGOUT, server shutdown, or connection closed
    "authenticated -> greeted", // RFC 8437: UNAUTHENTICATE
    "authenticated -> selected", // (5) successful SELECT or EXAMINE
    "authenticated -> closed",
    "selected -> greeted", // RFC 8437: UNAUTHENTICATE
    "selected -> authenticated", // (6) CLOSE, or failed SELECT or EXAMINE
    "selected -> selected",
    "selected -> closed",
  ]);
});

Deno.test("every state can be left, except the last", () => {
  for (const state of states) {
    if (state !== "closed") assert.ok(mayFollow(state, "closed"));
  }
  assert.deepEqual(after.closed, []);
});
