import assert from "node:assert/strict";
import { clientIdFields, clientIdFrom } from "../../src/imap/client_id.ts";

Deno.test("of what a client says it is, known fields are kept, short and printable", () => {
  const id = clientIdFrom([
    ["Name", "Mail\r\n\x1b[31mclient \xe2\x80\xae\xe2\x80\xa8x"],
    ["version", "1.2"],
    ["version", "2"],
    ["os", null],
    ["vendor", ""],
    ["os-version", "\xc3\xa4".repeat(1_000)],
    ["__proto__", "x"],
    ["password", "secret"],
  ]);
  assert.deepEqual(id, {
    name: "Mail [31mclient  x",
    version: "1.2",
    "os-version": "ä".repeat(100),
  });
  assert.deepEqual(clientIdFields(id), {
    client_name: "Mail [31mclient  x",
    client_version: "1.2",
    client_os_version: "ä".repeat(100),
  });
  assert.deepEqual(clientIdFrom([["name", "\r\n\0"]]), {});
});
