import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/app/command_line.ts";

const run = {
  kind: "run",
  config: undefined,
  data: undefined,
  imapPort: undefined,
  lmtpPort: undefined,
};

Deno.test("parseCommandLine() understands every way to start", () => {
  const cases: [string[], unknown][] = [
    [[], run],
    [["--config", "c.toml"], { ...run, config: "c.toml" }],
    [["--config=c.toml"], { ...run, config: "c.toml" }],
    [["-c", "c.toml", "--check-config"], { ...run, kind: "check-config", config: "c.toml" }],
    [["--check-config"], { ...run, kind: "check-config" }],
    [["--data", "d", "--imap-port", "0", "--lmtp-port=65535"], {
      ...run,
      data: "d",
      imapPort: 0,
      lmtpPort: 65535,
    }],
    [["--config", "c", "--data", "d"], { ...run, config: "c", data: "d" }],
    [["--help"], { kind: "help" }],
    [["-h", "--config", "c"], { kind: "help" }],
    [["--version"], { kind: "version" }],
    [["-V"], { kind: "version" }],
  ];
  for (const [args, expected] of cases) {
    assert.deepEqual(parseCommandLine(args), expected, args.join(" "));
  }
});

Deno.test("parseCommandLine() names what is wrong, in one line", () => {
  const cases: [string[], RegExp][] = [
    [["--confg", "c"], /--confg/],
    [["c.toml"], /c\.toml/],
    [["--config"], /config/],
    [["--config", ""], /--config needs/],
    [["--data="], /--data needs/],
    [["--imap-port", "65536"], /--imap-port .* "65536"/],
    [["--imap-port", "1e3"], /--imap-port/],
    [["--lmtp-port", "imap"], /--lmtp-port/],
    [["--lmtp-port=-1"], /--lmtp-port/],
    [["--config", "c", "--imap-port", "0"], /do not go with --config/],
    [["--check-config=yes"], /check-config/],
  ];
  for (const [args, message] of cases) {
    const parsed = parseCommandLine(args);
    assert.ok(parsed.kind === "usage-error", args.join(" "));
    assert.match(parsed.message, message);
    assert.ok(!parsed.message.includes("\n"));
  }
});
