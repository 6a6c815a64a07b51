import assert from "node:assert/strict";
import { fromBinary } from "../../src/lib/bytes.ts";
import { type MessageFacts, messageFacts, messageFactsInSteps } from "../../src/message/facts.ts";
import { ADDRESSES_MAX } from "../../src/message/mailbox_address.ts";
import { DESCRIPTION_MAX, parseMessage } from "../../src/message/parser.ts";
import { checkInvariants } from "./support/read.ts";

/** The facts of a message, whatever they are still valid. */
function facts(text: string): MessageFacts {
  const bytes = fromBinary(text);
  return checkInvariants(parseMessage(bytes), bytes);
}

/** Octets that a description of DESCRIPTION_MAX characters and 10,000 bare parts may become. */
const STRUCTURE_BYTES_MAX = 9 * DESCRIPTION_MAX + 1024 * 1024;

function parts(count: number, header: string): string {
  return `Content-Type: multipart/mixed; boundary=b\r\n\r\n${
    `--b\r\n${header}\r\n\r\nx\r\n`.repeat(count)
  }--b--`;
}

const floods: readonly [name: string, text: string][] = [
  ["names", parts(10_000, `Content-Type: text/plain; name="${"\xff".repeat(360)}"`)],
  ["broken UTF-8", parts(9_000, `Content-Type: a/b; n*=utf-8''${"\xff".repeat(360)}`)],
  ["descriptions", parts(10_000, `Content-Description: ${"\xff".repeat(380)}`)],
  ["large parameters", parts(40, `Content-Type: a/b${`; a="${"\xff".repeat(8_000)}"`.repeat(30)}`)],
  ["subjects", parts(3_000, `Content-Type: message/rfc822\r\n\r\nSubject: ${"\xff".repeat(380)}`)],
];

for (const [name, text] of floods) {
  Deno.test(`a flood of ${name} does not grow in BODYSTRUCTURE`, () => {
    const { bodyStructure, structure } = facts(text);
    assert.ok(bodyStructure.length < STRUCTURE_BYTES_MAX, `${bodyStructure.length}`);
    assert.ok(structure.length < STRUCTURE_BYTES_MAX, `${structure.length}`);
  });
}

Deno.test("a part too many keeps what is needed to find and to read it", () => {
  const named = `--b\r\nContent-Type: text/plain; name="${"x".repeat(1_000)}"\r\n\r\nx\r\n`;
  const last = "--b\r\nContent-Type: multipart/mixed; boundary=c; name=lost\r\n\r\n" +
    "--c\r\nContent-Type: text/html; charset=utf-8; name=" + "lost".repeat(100) + "\r\n" +
    "Content-Transfer-Encoding: base64\r\nContent-Disposition: inline; filename=lost\r\n\r\neA==\r\n" +
    "--c--\r\n--b--";
  const { root } = parseMessage(fromBinary(
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n${named.repeat(1_000)}${last}`,
  ));
  assert.equal(root.children.length, 1_001);
  assert.equal(root.children[200]?.parameters[0]?.[1].length, 1_000);
  assert.deepEqual(root.children[999]?.parameters, []);
  const [html] = root.children[1_000]?.children ?? [];
  assert.deepEqual(html?.parameters, [["charset", "utf-8"]]);
  assert.equal(html?.encoding, "base64");
  assert.deepEqual(html?.disposition, { type: "inline", parameters: [] });
});

Deno.test("a thousand attachments keep their names", () => {
  const { root } = parseMessage(fromBinary(
    parts(1_000, 'Content-Type: image/png; name="photo of the day.png"\r\nContent-ID: <a@b>'),
  ));
  assert.equal(root.children.at(-1)?.parameters[0]?.[1], "photo of the day.png");
  assert.equal(root.children.at(-1)?.id, "<a@b>");
});

Deno.test("the six address lists of an envelope have one limit", () => {
  const names = ["From", "Sender", "Reply-To", "To", "Cc", "Bcc"];
  const text = names.map((name) => `${name}: ${"\xff <a@b>,".repeat(20_000)}\r\n`).join("");
  const { envelope } = facts(`${text}\r\nx`);
  assert.equal(envelope.split('"a" "b"').length - 1, 3 * ADDRESSES_MAX); // From stands for three.
});

Deno.test("of a long References field both ends are kept, and nothing comes into being", () => {
  const ids = Array.from({ length: 20_000 }, (_, n) => `<${n}@example.org>`);
  const { references } = facts(`References: ${ids.join(" ")}\r\n\r\n`);
  assert.equal(references.length, 100);
  assert.equal(references[0], ids[0]);
  // The field itself is cut at 256 KiB.
  assert.ok(references.every((id) => ids.includes(id)));
});

Deno.test("lines that are no field are looked at for a while only", () => {
  const text = `${"junk\r\n".repeat(150_000)}Subject: late\r\n\r\n`;
  assert.equal(parseMessage(fromBinary(text)).fields.get("subject"), undefined);
  const few = `${"junk\r\n".repeat(50_000)}Subject: early\r\n\r\n`;
  assert.equal(parseMessage(fromBinary(few)).fields.get("subject"), "early");
});

Deno.test("facts in steps are the same facts, and a large structure has many steps", () => {
  const parsed = parseMessage(fromBinary(floods[0]?.[1] ?? ""));
  const steps = messageFactsInSteps(parsed);
  let count = 0;
  let step = steps.next();
  for (; !step.done; step = steps.next()) count++;
  assert.deepEqual(step.value, messageFacts(parsed));
  assert.ok(count > 20, `${count}`);
});
