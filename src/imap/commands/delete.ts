import { command } from "../command.ts";

/**
 * DELETE: RFC 3501 §6.3.4. Who deletes the mailbox that is selected has none selected afterwards;
 * other sessions that have it selected are sent away.
 */
export const deleteCommand = command("DELETE", {
  states: ["authenticated", "selected"],
  parse: (wire) => wire.sp().mailbox(),
  async execute(name, { session, services: { access, mailboxes }, enter }) {
    const { user } = session;
    await access.delete(user, name);
    if (session.state !== "selected") return;
    // WHY: by id, as another session may have given the selected mailbox another name.
    const selected = await mailboxes.get(session.view.mailbox.id);
    if (!selected) enter({ state: "authenticated", user });
  },
});
