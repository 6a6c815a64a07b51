import assert from "node:assert/strict";
import type { Config, DatabaseEndpoint, ServerConfig } from "../../src/config/config.ts";
import { dumpToml } from "../../src/config/dump.ts";
import { loadConfig, type Sources } from "../../src/config/load.ts";
import { renderProblem } from "../../src/config/problem.ts";

function load(text: string, sources: Sources = {}): Config {
  const loaded = loadConfig(text, "config.toml", sources);
  if ("problems" in loaded) assert.fail(loaded.problems.map(renderProblem).join("\n"));
  return loaded.config;
}

function problems(text: string, sources: Sources = {}): string[] {
  const loaded = loadConfig(text, "config.toml", sources);
  assert.ok("problems" in loaded, "expected problems");
  return loaded.problems.map(renderProblem);
}

function warnings(text: string): string[] {
  const loaded = loadConfig(text, "config.toml");
  if ("problems" in loaded) assert.fail(loaded.problems.map(renderProblem).join("\n"));
  return loaded.warnings.map(renderProblem);
}

function write(text: string, sources: Sources = {}): DatabaseEndpoint {
  const { database } = load(text, sources);
  assert.ok(database);
  return database.write;
}

function only<T extends ServerConfig["type"]>(
  type: T,
  text: string,
): Extract<ServerConfig, { type: T }> {
  const [server, ...more] = load(text).servers;
  assert.equal(more.length, 0);
  assert.equal(server?.type, type);
  return server as Extract<ServerConfig, { type: T }>;
}

Deno.test("loadConfig() of nothing gives embedded mode with IMAP and LMTP on 127.0.0.1", () => {
  const config = load("");
  assert.equal(config.dataDir, "./sora-data");
  assert.equal(config.database, null);
  assert.equal(config.s3, null);
  assert.equal(config.runtime.workers, 1);
  assert.deepEqual(config.servers.map(({ type, addr }) => [type, addr]), [
    ["imap", { host: "127.0.0.1", port: 1143 }],
    ["lmtp", { host: "127.0.0.1", port: 2424 }],
  ]);
});

Deno.test("loadConfig() keeps IMAP sessions as RFC 3501 §5.4 asks", () => {
  const imap = only("imap", "[servers.imap]");
  assert.equal(imap.commandTimeoutMs, 5 * 60_000);
  assert.equal(imap.absoluteSessionTimeoutMs, 24 * 3_600_000);
  assert.ok(imap.idleTimeoutMs >= 30 * 60_000);
  const long = only("imap", '[servers.imap]\ncommand_timeout = "2h"');
  assert.equal(long.idleTimeoutMs, 2 * 3_600_000);
});

Deno.test("loadConfig() understands both dialects of servers", () => {
  const table = '[servers.imap]\nstart = true\naddr = ":143"\nmax_connections = 7\n';
  const array = '[[servers]]\ntype = "imap"\nstart = true\naddr = ":143"\nmax_connections = 7\n';
  const old = '[[server]]\ntype = "imap"\nname = "imap"\naddr = ":143"\nlimits.max_connections = 7';
  const nested = '[servers.imap]\naddr = ":143"\n[servers.imap.limits]\nmax_connections = 7\n';
  const mixed = '[[servers]]\ntype = "imap"\naddr = ":143"\n[servers.imap.limits]\n' +
    "max_connections = 7\n";
  const named = '[servers.front]\ntype = "imap"\nname = "imap"\naddr = ":143"\nmax_connections = 7';
  const expected = only("imap", table);
  assert.equal(expected.maxConnections, 7);
  assert.deepEqual(expected.addr, { host: "", port: 143 });
  for (const text of [array, old, nested, mixed, named]) {
    assert.deepEqual(only("imap", text), expected, text);
  }
});

Deno.test("loadConfig() gives servers of one type different names", () => {
  const two = '[[servers]]\ntype="imap"\naddr=":143"\n[[servers]]\ntype="imap"\naddr=":144"\n';
  assert.deepEqual(load(two).servers.map(({ name }) => name), ["imap", "imap-2"]);
  const tables = '[[servers.imap]]\naddr=":143"\n[[servers.imap]]\naddr=":144"\n';
  assert.deepEqual(load(tables).servers.map(({ name }) => name), ["imap", "imap-2"]);
});

Deno.test("loadConfig() understands both dialects of the database", () => {
  const split = `
    [database.write]
    hosts = ["db1"]
    name = "mail"
    user = "sora"
    password = "x"
    max_conns = 20
    [database.read]
    hosts = ["db2", "db3:5433"]`;
  const flat = `
    [database]
    host = "db1"
    dbname = "mail"
    user = "sora"
    password = "x"
    max_connections = 20
    [[database.read_endpoints]]
    host = "db2"
    [[database.read_endpoints]]
    host = "db3"
    port = "5433"`;
  assert.deepEqual(load(flat).database, load(split).database);
  const { database } = load(split);
  assert.equal(database?.write.maxConnections, 20);
  assert.deepEqual(
    database?.read.map(({ hosts, port, user, password }) => [
      hosts,
      port,
      user,
      password,
    ]),
    [[["db2"], 5432, "sora", "x"], [["db3"], 5433, "sora", "x"]],
  );
});

Deno.test("loadConfig() understands old names", () => {
  assert.equal(load('log_output = "stdout"').logging.output, "stdout");
  assert.equal(load('log_level = "WARN"').logging.level, "warning");
  const s3 = '[s3]\nendpoint="minio:9000"\nbucket="b"\naccess_key="a"\nsecret_key="s"\n';
  assert.equal(load(s3).s3?.useSsl, true);
  assert.equal(load(`${s3}disable_tls = true`).s3?.useSsl, false);
  assert.equal(load(s3.replace("minio", "http://minio")).s3?.useSsl, false);
  assert.equal(load(s3.replace("minio", "http://minio")).s3?.endpoint, "minio:9000");
  const { s3: keyless } = load(s3.replace(/access_key.*/s, 'access_key = ""'));
  assert.deepEqual([keyless?.accessKey, keyless?.secretKey], [null, null]);
  assert.deepEqual(load('servers.trusted_networks = ["10.1.0.0/16"]').trustedNetworks, [
    "10.1.0.0/16",
  ]);
});

Deno.test("loadConfig() looks at nothing in a server that is not started", () => {
  const text = "[servers.imap]\n[servers.pop3]\nstart = false\ntls = true\nnonsense = 1\n" +
    '[servers.lmtp]\nstart = false\naddr = 7\n[tls]\nenabled = false\nprovider = "file"\n';
  assert.deepEqual(warnings(text), []);
  assert.deepEqual(load(text).servers.map(({ name }) => name), ["imap"]);
});

Deno.test("loadConfig() takes secrets from files and from the environment, which wins", () => {
  const file = '[database.write]\npassword_file = "/run/db"';
  const readSecret = (path: string) => `from ${path}\n`;
  assert.equal(write(file, { readSecret }).password, "from /run/db");
  const env = { SORA_DATABASE_PASSWORD: "from env" };
  assert.equal(write(file, { readSecret, env }).password, "from env");
  assert.equal(write("[database]\npassword = 'a'", { env }).password, "from env");
  assert.equal(load("", { env }).database, null);
});

Deno.test("loadConfig() warns of settings without effect, with their place", () => {
  const text = `[servers.imap]
addr = ":143"

[servers.imap.auth_rate_limit]
enabled = true
[auth_cache]
path = "/var/cache/sora"
[timeout_scheduler]
workers = 10
`;
  const none = "has no effect in this version of Sora";
  assert.deepEqual(warnings(text), [
    `config.toml:4:1: servers.imap.auth_rate_limit: ${none}`,
    `config.toml:6:1: auth_cache: ${none}`,
    `config.toml:8:1: timeout_scheduler: ${none}`,
  ]);
  assert.deepEqual(warnings("[servers.imap]\nstart = false"), [
    "config.toml:1:1: servers: no server is started",
  ]);
  assert.deepEqual(load("[servers.imap]\nstart = false").servers, []);
  assert.deepEqual(load("servers = []").servers, []);
  assert.equal(warnings("[servers.imap]\ninsecure_auth = false").length, 1);
});

const later = "is not part of this version of Sora; remove it";

/** Every kind of problem: text, and all lines it gives. */
const wrong: readonly (readonly [name: string, text: string, lines: readonly string[]])[] = [
  ["a misspelled key", "[servers.imap]\nmax_conections = 5", [
    'config.toml:2:1: servers.imap.max_conections: unknown key (did you mean "max_connections"?)',
  ]],
  ["a misspelled key at the top", 'dat_dir = "x"', [
    'config.toml:1:1: dat_dir: unknown key (did you mean "data_dir"?)',
  ]],
  ["a misspelled section", "[databse]\n", [
    'config.toml:1:1: databse: unknown key (did you mean "database"?)',
  ]],
  ["a misspelled old name", '[database]\nhots = "x"', [
    'config.toml:2:1: database.hots: unknown key (did you mean "host"?)',
  ]],
  ["a key like no other", "[logging]\nzzz = 1", [
    "config.toml:2:1: logging.zzz: unknown key; expected one of output, format, level",
  ]],
  ["a misspelled key in a nested form", "[servers.imap]\n  timeouts.comand_timeout = '5m'", [
    "config.toml:2:3: servers.imap.timeouts.comand_timeout: unknown key " +
    '(did you mean "command_timeout"?)',
  ]],
  ["a wrong type", '[servers.imap]\nmax_connections = "many"', [
    "config.toml:2:1: servers.imap.max_connections: expected a whole number from 0 to 1000000, " +
    'got "many"',
  ]],
  ["a table where a value belongs", "[bcrypt_cost]", [
    "config.toml:1:1: bcrypt_cost: expected a whole number from 10 to 14, got a table",
  ]],
  ["a value where a table belongs", "database = 5", [
    "config.toml:1:1: database: expected a table of settings, got 5",
  ]],
  ["an impossible value", "bcrypt_cost = 40", [
    "config.toml:1:1: bcrypt_cost: expected a whole number from 10 to 14, got 40",
  ]],
  ["no duration", '[cleanup]\ngrace_period = "two weeks"', [
    'config.toml:2:1: cleanup.grace_period: expected a duration such as "14d", got "two weeks"',
  ]],
  ["no age", '[cleanup.retention]\nTrash = "a month"', [
    "config.toml:2:1: cleanup.retention.Trash: expected mailboxes and durations such as " +
    '{ Trash = "30d", Junk = "14d" }, got "a month"',
  ]],
  ["too short a duration", '[servers.imap]\nidle_timeout = "5m"', [
    'config.toml:2:1: servers.imap.idle_timeout: expected a duration such as "35m", ' +
    'at least 30m, got "5m"',
  ]],
  ["no size", '[servers.imap]\nappend_limit = "25 apples"', [
    'config.toml:2:1: servers.imap.append_limit: expected a size such as "25mb", ' +
    'from 1kb to 1gb, got "25 apples"',
  ]],
  ["no address", '[servers.imap]\naddr = "143"', [
    "config.toml:2:1: servers.imap.addr: expected an address and port such as " +
    '":143", "127.0.0.1:143" or "[::1]:143", got "143"',
  ]],
  ["no network in a list", 'trusted_networks = ["10.0.0.0/8",\n  "10.0.0.0/40"]', [
    "config.toml:2:3: trusted_networks[1]: expected a list of networks such as " +
    '["10.0.0.0/8", "::1"], got "10.0.0.0/40"',
  ]],
  ["a word that is none of a few", '[logging]\nformat = "xml"', [
    'config.toml:2:1: logging.format: expected one of "console", "json", got "xml"',
  ]],
  ["too few connections", "[database]\nmax_conns = 5\nmin_conns = 6", [
    "config.toml:3:1: database.min_conns: expected at most max_connections (5), got 6",
  ]],
  ["different ports of the primary", '[database.write]\nhosts = ["a:1", "b:2"]', [
    "config.toml:2:1: database.write.hosts: expected the same port for every host",
  ]],
  ["a namespace of two levels", '[shared_mailboxes]\nnamespace_prefix = "a/b/"', [
    'config.toml:2:1: shared_mailboxes.namespace_prefix: expected one level and "/", such as ' +
    '"Shared/", got "a/b/"',
  ]],
  ["INBOX as a namespace", '[shared_mailboxes]\nuser_prefix = "inbox/"', [
    'config.toml:2:1: shared_mailboxes.user_prefix: expected one level and "/", such as "Users/", ' +
    'or "", got "inbox/"',
  ]],
  ["one namespace twice", '[shared_mailboxes]\nnamespace_prefix = "users/"', [
    "config.toml:1:1: shared_mailboxes.user_prefix: expected another one than namespace_prefix, " +
    'got "Users/"',
  ]],
  ["rights that there are not", '[shared_mailboxes]\ndefault_rights = "lrq"', [
    'config.toml:2:1: shared_mailboxes.default_rights: expected letters of "lrswipkxtea", got "lrq"',
  ]],
  ["a replica without hosts", "[database.read]\nport = 5433\n[database.write]\n", [
    "config.toml:1:1: database.read.hosts: is missing; " +
    'expected a list of host names such as ["db2"]',
  ]],
  ["both names of a setting", "[database]\nmax_conns = 5\n[database.write]\nmax_connections = 6", [
    "config.toml:2:1: database.max_conns: is another name of database.write.max_connections " +
    "(line 4); give only one of them",
  ]],
  ["missing settings", '[s3]\nregion = "eu"', [
    "config.toml:1:1: s3.endpoint: is missing; " +
    'expected a host such as "s3.amazonaws.com" or "minio.example.com:9000"',
    "config.toml:1:1: s3.bucket: is missing; expected text in quotes, not empty",
  ]],
  ["one key of two", '[s3]\nendpoint = "s3"\nbucket = "b"\nsecret_key = "hunter2"', [
    "config.toml:1:1: s3.access_key: is missing; expected both keys or none, got secret_key only",
  ]],
  ["a wrong secret, which is not shown", '[servers.metrics]\napi_key = "hunter2"', [
    "config.toml:2:1: servers.metrics.api_key: expected text of at least 16 characters in quotes, " +
    "got 7 characters",
  ]],
  ["a secret twice", '[database]\npassword = "a"\npassword_file = "b"', [
    "config.toml:3:1: database.password_file: is given beside password; give only one of them",
  ]],
  ["an address twice", '[servers.imap]\naddr = ":143"\n[servers.lmtp]\naddr = "127.0.0.1:143"', [
    "config.toml:4:1: servers.lmtp.addr: 127.0.0.1:143 is already taken by servers.imap.addr " +
    "(line 2)",
  ]],
  ["an unknown type", '[[servers]]\ntype = "imp"', [
    'config.toml:2:1: servers[0].type: unknown server type "imp" (did you mean "imap"?)',
  ]],
  ["an unknown table of a server", "[servers.lmpt]", [
    'config.toml:1:1: servers.lmpt: unknown server type "lmpt" (did you mean "lmtp"?)',
  ]],
  ["a server without type", '[[servers]]\naddr = ":143"', [
    "config.toml:1:1: servers[0].type: is missing; expected one of imap, lmtp, metrics, pop3, " +
    "managesieve, imap_proxy, pop3_proxy, managesieve_proxy, lmtp_proxy, http_admin_api, " +
    "http_user_api, user_api_proxy",
  ]],
  ["start that is no boolean", '[servers.imap]\nstart = "yes"\naddr = 7', [
    'config.toml:2:1: servers.imap.start: expected true or false, got "yes"',
    'config.toml:3:1: servers.imap.addr: expected an address and port such as ":143", ' +
    '"127.0.0.1:143" or "[::1]:143", got 7',
  ]],
  ["a server that is no table", "[servers]\nimap = true", [
    "config.toml:2:1: servers.imap: expected a table of settings",
  ]],
  ["servers of later versions", '[servers.pop3]\nstart = true\n[servers.http_api]\naddr = ":1"', [
    `config.toml:1:1: servers.pop3: POP3 ${later} or set start = false`,
    `config.toml:3:1: servers.http_api: The HTTP API ${later} or set start = false`,
  ]],
  ["TLS", "[servers.imap]\ntls = true", [
    `config.toml:2:1: servers.imap.tls: TLS ${later} or set tls = false`,
  ]],
  ["the PROXY protocol", "[servers.imap.proxy_protocol]\nenabled = true", [
    `config.toml:1:1: servers.imap.proxy_protocol: The PROXY protocol ${later} or set proxy_protocol = false (enabled = false in a table)`,
  ]],
  ["sections of later versions", '[cluster]\nenabled = true\n[relay]\ntype = "smtp"', [
    `config.toml:1:1: cluster: Clustering ${later} or set enabled = false`,
    `config.toml:3:1: relay: Relaying ${later}`,
  ]],
  [
    "a table of another server after [[servers]]",
    '[[servers]]\ntype="lmtp"\n[servers.imap.limits]',
    [
      "config.toml:3:1: servers[0].imap: belongs in TOML to the last [[servers]] before it, which " +
      'is of type "lmtp"; move it directly below the [[servers]] of type "imap"',
    ],
  ],
  ["no TOML, and nothing else", "a = 1\nb = \n[servers.imap]\nnonsense = 1", [
    "config.toml:2:5: not TOML: invalid value",
  ]],
  ["a key twice", 'data_dir = "a"\ndata_dir = "b"', [
    "config.toml:2:1: not TOML: trying to redefine an already defined table or value; " +
    "it is given twice",
  ]],
  ["dialects mixed against TOML", '[servers.imap]\n\n[[servers]]\ntype = "lmtp"', [
    "config.toml:3:3: not TOML: trying to redefine an already defined table or value; " +
    "[servers.imap] tables and [[servers]] arrays cannot be mixed like this: " +
    "use one form for all servers",
  ]],
  ["prototype pollution", "[__proto__]\nisAdmin = true\n[servers.imap]\n[logging.__proto__]\nx=1", [
    "config.toml:1:1: __proto__: unknown key",
    "config.toml:4:1: logging.__proto__: unknown key",
  ]],
  ["names of Object.prototype", "constructor = 1\n[logging]\ntoString = 2", [
    "config.toml:1:1: constructor: unknown key; docs/configuration.md lists the known ones",
    "config.toml:3:1: logging.toString: unknown key; expected one of output, format, level",
  ]],
];

for (const [name, text, lines] of wrong) {
  Deno.test(`loadConfig() names ${name}`, () => assert.deepEqual(problems(text), lines));
}

Deno.test("loadConfig() names all problems at once, in the order of the file", () => {
  const text = "\ufeff[servers.lmtp]\r\nmax_recipients = 1\r\n[servers.imap]\r\nfoo = 1\r\n" +
    "[database]\r\nport = 0\r\n[servers.pop3]\r\n";
  const keys = problems(text).map((line) => line.split(": ").slice(0, 2).join(" "));
  assert.deepEqual(keys, [
    "config.toml:2:1 servers.lmtp.max_recipients",
    "config.toml:4:1 servers.imap.foo",
    "config.toml:6:1 database.port",
    "config.toml:7:1 servers.pop3",
  ]);
});

Deno.test("loadConfig() names a secret file that is missing", () => {
  const readSecret = () => {
    throw new Deno.errors.NotFound("gone");
  };
  const text = '[s3]\nendpoint="s3"\nbucket="b"\naccess_key="a"\n  secret_key_file = "/run/s3"';
  assert.deepEqual(problems(text, { readSecret }), [
    'config.toml:5:3: s3.secret_key_file: cannot read "/run/s3": there is no such file',
  ]);
});

const s3Store = '[s3]\nendpoint="s3"\nbucket="b"\naccess_key="a"\nsecret_key="s"\n';
const hexKey = "0123456789abcdefABCDEF9876543210".repeat(2);

Deno.test("loadConfig() makes one list of the keys of bodies", () => {
  const one = load(`${s3Store}encrypt = true\nencryption_key = "${hexKey}"`).s3;
  assert.deepEqual([one?.encrypt, one?.encryptAllowPlain, one?.encryptionCurrent], [
    true,
    false,
    "default",
  ]);
  assert.deepEqual(one?.encryptionKeys, [{ id: "default", key: hexKey }]);
  const several = load(
    `${s3Store}encryption_key_file = "/run/key"\nencryption_current = "2027"\n` +
      `[[s3.encryption_keys]]\nid = "2027"\nkey = "${hexKey}"`,
    { readSecret: () => ` ${hexKey.toLowerCase()}\n` },
  ).s3;
  assert.deepEqual(several?.encryptionKeys.map(({ id }) => id), ["default", "2027"]);
  assert.deepEqual([several?.encrypt, several?.encryptionCurrent], [false, "2027"]);
  const none = load(`${s3Store}encrypt = false\nencryption_key = ""`).s3;
  assert.deepEqual([none?.encryptionKeys, none?.encryptionCurrent], [[], null]);
  const example = "0123456789abcdef".repeat(4);
  assert.deepEqual(warnings(`${s3Store}encrypt = true\nencryption_key = "${example}"`), [
    "config.toml:6:1: s3.encrypt: the key is that of the example, which everybody knows",
  ]);
  const env = { SORA_S3_ENCRYPTION_KEY: hexKey };
  assert.equal(load(s3Store, { env }).s3?.encryptionKeys[0]?.key, hexKey);
});

Deno.test("loadConfig() refuses keys of bodies that cannot be meant", () => {
  const entry = (id: string) => `[[s3.encryption_keys]]\nid = "${id}"\nkey = "${hexKey}"\n`;
  const key = `encryption_key = "${hexKey}"\n`;
  const expected = "expected 64 hexadecimal digits in quotes, as `openssl rand -hex 32` makes them";
  const cases: [string, string][] = [
    ["encrypt = true", "6:1: s3.encrypt: there is no key: give encryption_key"],
    [
      `encryption_key = "${hexKey.slice(1)}"`,
      `6:1: s3.encryption_key: ${expected}, got 63 characters`,
    ],
    [
      `[[s3.encryption_keys]]\nid = "a"\nkey = "${hexKey}g"`,
      `8:1: s3.encryption_keys[0].key: ${expected}, got 65 characters`,
    ],
    [
      key + entry("a"),
      "1:1: s3.encryption_current: is missing; expected the id of one of the keys (default, a)",
    ],
    [
      'encryption_current = "b"\n' + entry("a"),
      '6:1: s3.encryption_current: there is no key "b" (one of a)',
    ],
    [
      'encryption_current = "a"\n' + entry("a") + entry("a"),
      '11:1: s3.encryption_keys[1].id: "a" is the id of another key',
    ],
    [
      'encryption_current = "default"\n' + key + entry("default"),
      '9:1: s3.encryption_keys[0].id: "default" is the id of another key',
    ],
    [
      entry("Ä"),
      "7:1: s3.encryption_keys[0].id: expected 1 to 24 letters, digits, " +
      '".", "_" or "-" in quotes, got "Ä"',
    ],
  ];
  for (const [text, problem] of cases) {
    assert.deepEqual(problems(s3Store + text), [`config.toml:${problem}`], text);
  }
});

Deno.test("loadConfig() leaves no trace of __proto__", () => {
  loadConfig('[__proto__]\npolluted = 1\n[servers."__proto__"]\ntype = "imap"\n', "config.toml");
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
});

Deno.test("[cleanup] knows ages of mailboxes, by name and by special use", () => {
  const config = load(`
    [cleanup]
    max_age_restriction = "365d"
    [cleanup.retention]
    Trash = "30d"
    "\\\\Junk" = "14d"
    Archive = ""
  `);
  assert.equal(config.cleanup.maxAgeRestrictionMs, 365 * 86_400_000);
  assert.deepEqual(config.cleanup.retention, [
    { mailbox: "Trash", ageMs: 30 * 86_400_000 },
    { mailbox: "\\Junk", ageMs: 14 * 86_400_000 },
  ]);
  assert.equal(load("[cleanup]\nmax_age_restriction = ''").cleanup.maxAgeRestrictionMs, null);
  assert.deepEqual(load(dumpToml(config)).cleanup, config.cleanup);
});
