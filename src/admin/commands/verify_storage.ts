import { exitCodes } from "../../app/exit_codes.ts";
import { maySealedSize } from "../../blobs/body_cipher.ts";
import { type Verified, verifyStorage } from "../../jobs/verify_storage.ts";
import { ManifestStore } from "../../store/manifests.ts";
import { ScrubStore } from "../../store/scrubs.ts";
import { UploadStore } from "../../store/uploads.ts";
import type { Answer, Command } from "../command.ts";
import { jobsOf, jobsOption } from "../jobs_option.ts";
import { openBlobs } from "../open_blobs.ts";
import { withAccounts } from "../open_database.ts";
import { printable } from "../printable.ts";
import { facts } from "../table.ts";

/** Problems that people are shown. */
const SHOWN_MAX = 50;

/** Compares the stored bodies with the messages. */
export const storageVerification: Command = {
  name: "verify storage",
  summary: "look for bodies that are missing, damaged, or needed by nobody",
  details:
    `Compares the listing of the object store (or of the folder of bodies) with all messages: bodies that
are missing or have another size, and objects that no message needs ("orphan"), those of the last day
left aside. With --deep every body is read, and its hash is compared. With --fix orphans are removed, bodies
that are missing or damaged are put back where this machine still has them (staging folder or cache), and the
others are noted for the metrics. Orphans stay that may be of another database: those of accounts that this
one does not have, and of messages that it never had. After a loss of the database they are what
\`storage rebuild\` reads. The server may run meanwhile.`,
  options: {
    deep: { text: "read every body and compare its hash" },
    fix: { text: "remove orphans, put back bodies that this machine has" },
    "unknown-accounts": {
      text: "with --fix: also orphans that may be of another database",
    },
    jobs: jobsOption,
  },
  example: "sora-admin verify storage --config config.toml --deep",
  async run(request) {
    const { options, terminal } = request;
    const concurrency = jobsOf(options);
    const [deep, fix] = [options.has("deep"), options.has("fix")];
    return await withAccounts(request, async (database, { config }) => {
      await using opened = await openBlobs(config, fix ? database : undefined);
      const uploads = new UploadStore(database);
      const manifests = new ManifestStore(database);
      const isEncrypted = (config.s3?.encryptionKeys.length ?? 0) > 0;
      let done = 0;
      const verified = await verifyStorage({
        database,
        scrubs: new ScrubStore(database),
        blobs: opened.staged?.remote ?? opened.blobs,
        local: opened.staged && { ...opened.staged, uploads },
        describe: (key) => manifests.describe(key),
        maySize: isEncrypted ? maySealedSize : (stored, size) => stored === size,
        deep,
        fix,
        strangers: options.has("unknown-accounts"),
        concurrency,
        onProgress: (objects) => {
          done += objects;
          if (terminal.showsProgress && !options.has("json")) terminal.err(`${done} objects\n`);
        },
      });
      return answer(verified, { fix });
    });
  },
};

function answer(verified: Verified, { fix }: { readonly fix: boolean }): Answer {
  const { objects, messages, counts, problems, orphansRemoved, bodiesPutBack } = verified;
  const text = facts([
    ["Messages", String(messages)],
    ["Bodies", String(objects)],
    ["Missing", String(counts.missing)],
    ["Wrong size", String(counts.size)],
    ["Wrong content", String(counts.hash)],
    ["Unreadable", String(counts.unreadable)],
    ...(fix ? [["Put back", String(bodiesPutBack)] as const] : []),
    ["Orphans", fix ? `${counts.orphan}, ${orphansRemoved} removed` : String(counts.orphan)],
  ]);
  const shown = problems.slice(0, SHOWN_MAX)
    .map(({ key, problem, isFixed }) =>
      `${problem}: ${printable(key)}${isFixed ? " (fixed)" : ""}\n`
    );
  const more = problems.length > SHOWN_MAX ? "More: see --json\n" : "";
  const damaged = counts.missing + counts.size + counts.hash + counts.unreadable;
  const isClean = damaged === bodiesPutBack && counts.orphan === orphansRemoved;
  return {
    text: [text, ...shown, more].join(""),
    json: { ...verified, ok: isClean },
    exitCode: isClean ? exitCodes.ok : exitCodes.failure,
  };
}
