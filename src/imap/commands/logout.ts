import { command } from "../command.ts";

/** LOGOUT: RFC 3501 §6.1.3. */
export const logout = command("LOGOUT", {
  states: ["greeted", "authenticated", "selected"],
  parse: () => null,
  async execute(_args, { reply, enter }) {
    reply.bye("Logging out");
    enter({ state: "closed" });
  },
});
