import { Refused } from "../../../lib/refused.ts";
import { isDisabled } from "../../capability_config.ts";
import type { Context } from "../../command.ts";
import { type FlagList, readFlags } from "../../wire/flags.ts";
import type { LiteralHeader, Scanner } from "../../wire/scanner.ts";
import { copyUrl } from "./copy_url.ts";
import type { Intake } from "./intake.ts";
import type { Uploads } from "./uploads.ts";

/** WHY: each part may cost a query and a body; no client puts a message together from a tenth. */
const PARTS_MAX = 1_000;

export type AppendContext = Context<"authenticated" | "selected">;

/**
 * One message of APPEND or REPLACE, as it arrives.
 *
 *     append-message = [SP flag-list] [SP date-time] SP append-data          RFC 4466 §6
 *     append-data    = literal / literal8 / utf8-literal /
 *                      "CATENATE" SP "(" cat-part *(SP cat-part) ")"         RFC 4469 §5
 */
export async function appendMessage(uploads: Uploads, context: AppendContext): Promise<void> {
  const { input, services: { config } } = context;
  const { flagList, internalDate } = appendOptions(input.wire.sp());
  if (!isDisabled("CATENATE", config) && input.wire.maybe("CATENATE ")) {
    await catenate(uploads.begin(), context);
  } else if (maybeUtf8(context)) {
    await utf8Literal((header) => begin(uploads, header), context);
  } else {
    await takeLiteral((header) => begin(uploads, header), context);
  }
  await uploads.add({ ...flagList, internalDate: internalDate ?? new Date() });
}

function appendOptions(
  wire: Scanner,
): { readonly flagList: FlagList; readonly internalDate: Date | null } {
  const flagList = wire.peek() === "(" ? wire.flagList() : null;
  if (flagList) wire.sp();
  const internalDate = wire.peek() === '"' ? wire.dateTime() : null;
  if (internalDate) wire.sp();
  return { flagList: flagList ?? readFlags([]), internalDate };
}

/** RFC 3502 §6.3.11: a message without octets is a way to cancel, so nobody is asked for them. */
function begin(uploads: Uploads, { sizeBytes }: LiteralHeader): Intake {
  if (sizeBytes === 0) throw new Refused({ kind: "empty-message" });
  return uploads.begin({ expectedBytes: sizeBytes });
}

/** `cat-part = "TEXT" SP literal / "URL" SP astring / utf8-literal`, RFC 4469 §5, RFC 6855 §4. */
async function catenate(intake: Intake, context: AppendContext): Promise<void> {
  const { input } = context;
  input.wire.expect("(");
  let parts = 0;
  do {
    if (++parts > PARTS_MAX) input.wire.fail(`at most ${PARTS_MAX} parts`);
    if (input.wire.maybe("TEXT ")) await takeLiteral(() => intake, context);
    else if (maybeUtf8(context)) await utf8Literal(() => intake, context);
    else await copyUrl(await input.read((wire) => wire.expect("URL ").astring()), intake, context);
  } while (input.wire.maybe(" "));
  input.wire.expect(")");
}

function maybeUtf8({ input, services: { config } }: AppendContext): boolean {
  return !isDisabled("UTF8=ACCEPT", config) && input.wire.maybe("UTF8 ");
}

/** `utf8-literal = "UTF8" SP "(" literal8 ")"`, RFC 6855 §4. */
async function utf8Literal(
  intakeFor: (header: LiteralHeader) => Intake,
  context: AppendContext,
): Promise<void> {
  const { input } = context;
  input.wire.expect("(");
  if (input.wire.peek() !== "~") input.wire.fail("literal8");
  await takeOctets(intakeFor, context);
  input.wire.expect(")");
}

/** `literal / literal8`, the latter of RFC 3516. */
async function takeLiteral(
  intakeFor: (header: LiteralHeader) => Intake,
  context: AppendContext,
): Promise<void> {
  const { wire } = context.input;
  if (wire.peek() === "~" && isDisabled("BINARY", context.services.config)) wire.fail("literal");
  await takeOctets(intakeFor, context);
}

/** Nobody is asked for octets that would be refused. */
async function takeOctets(
  intakeFor: (header: LiteralHeader) => Intake,
  { input }: AppendContext,
): Promise<void> {
  const header = input.literal();
  const intake = intakeFor(header);
  intake.expect(header.sizeBytes);
  for await (const chunk of input.octets()) {
    // RFC 3516 §4.4: content that only BINARY could show is not stored.
    if (header.binary && chunk.includes(0)) throw new Refused({ kind: "unknown-encoding" });
    await intake.write(chunk);
  }
}
