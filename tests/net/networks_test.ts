import assert from "node:assert/strict";
import { Networks } from "../../src/limits/networks.ts";

Deno.test("networks hold the addresses in them", () => {
  const networks = Networks.parse([
    "127.0.0.0/8",
    "::1",
    "10.1.2.3",
    "fd00::/8",
    "::ffff:192.168.0.0/112",
  ]);
  const cases: [string, boolean][] = [
    ["127.0.0.1", true],
    ["127.255.255.255", true],
    ["128.0.0.1", false],
    ["::1", true],
    ["::2", false],
    ["10.1.2.3", true],
    ["10.1.2.4", false],
    ["::ffff:10.1.2.3", true],
    ["192.168.255.1", true],
    ["192.169.0.1", false],
    ["fd12::1", true],
    ["fe80::1", false],
    ["", false],
    ["not an address", false],
  ];
  for (const [host, expected] of cases) assert.equal(networks.has(host), expected, host);
});

Deno.test("a network that cannot be read is named", () => {
  for (
    const bad of [
      "10.0.0.0/33",
      "::/129",
      "10.0.0.0/8/8",
      "10.0.0.0/",
      "example.com",
      "10.0.0.0/-1",
      "",
    ]
  ) {
    assert.throws(() => Networks.parse([bad]), new RegExp(`Cannot read network ${bad}`), bad);
  }
});
