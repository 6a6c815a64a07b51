import { createHash } from "node:crypto";
import type { Config, S3Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load.ts";
import { signatureFault, type SignedBy } from "./s3_signature.ts";

export const ACCESS_KEY = "test-access-key";
export const SECRET_KEY = "test-secret-key";
export const REGION = "us-east-1";
/** Objects of one page of a listing. */
const PAGE_OBJECTS = 1_000;

/** Longest value of metadata: OpenStack Swift's limit, and its answer beyond. */
const VALUE_MAX = 256;
/** Octets of all names and values of metadata: Amazon's limit. */
const METADATA_MAX = 2_048;

/** What is known of an object that was PUT. */
interface Facts {
  readonly metadata: Readonly<Record<string, string>>;
  readonly modifiedAt: Date;
}

/** Answers before anything else when it returns a response; the body was read by then. */
export type Fault = (
  request: Request,
) => Response | undefined | Promise<Response | undefined>;

/** A small S3: one process, objects in memory, every request's signature checked (AWS SigV4). */
export class S3Server implements AsyncDisposable {
  readonly objects = new Map<string, Uint8Array>();
  /** Of every request, in order: `GET key`, `POST ?delete`, … */
  readonly requests: string[] = [];
  fault: Fault = () => undefined;
  /** The same, of a request that was carried out all the same. */
  lost: Fault = () => undefined;
  /** Whose signatures are taken. */
  signedBy: SignedBy = { accessKey: ACCESS_KEY, secretKey: SECRET_KEY, region: REGION };
  /** Objects of one page of a listing. */
  pageObjects = PAGE_OBJECTS;
  /** The clock that the times of objects are by. */
  now = () => new Date();
  readonly #facts = new Map<string, Facts>();
  readonly #closed = Promise.withResolvers<Response>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(readonly bucket: string) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => failure(500, "Bug") },
      async (request) => {
        const answer = await this.#answer(request);
        return await this.lost(request) ?? answer;
      },
    );
  }

  static start(bucket = "mail"): S3Server {
    return new S3Server(bucket);
  }

  /** `host:port`, as `[s3] endpoint` wants it. */
  get endpoint(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  /** How S3Blobs gets here; no second requests, and breakers that stay closed, unless asked for. */
  config(changes: Partial<S3Config> = {}): S3Config {
    return {
      endpoint: this.endpoint,
      region: REGION,
      bucket: this.bucket,
      accessKey: ACCESS_KEY,
      secretKey: SECRET_KEY,
      useSsl: false,
      timeoutMs: 5_000,
      hedgeAfterMs: 0,
      breakerFailures: 100,
      breakerOpenMs: 1_000,
      debug: false,
      ...changes,
    };
  }

  /** `[s3]` of a configuration file, `more` in it. */
  section(more = ""): string {
    return `[s3]
endpoint = "${this.endpoint}"
use_ssl = false
bucket = "${this.bucket}"
access_key = "${ACCESS_KEY}"
secret_key = "${SECRET_KEY}"
${more}
`;
  }

  /** The same as it is read. */
  loaded(more = ""): NonNullable<Config["s3"]> {
    const loaded = loadConfig(this.section(more), "config.toml");
    if ("problems" in loaded || !loaded.config.s3) throw new Error("Cannot load [s3]");
    return loaded.config.s3;
  }

  /** As if every object had been put so much earlier. */
  age(ms: number): void {
    for (const [key, { modifiedAt, ...facts }] of this.#facts) {
      this.#facts.set(key, { ...facts, modifiedAt: new Date(modifiedAt.getTime() - ms) });
    }
  }

  metadata(key: string): Readonly<Record<string, string>> | undefined {
    return this.#facts.get(key)?.metadata;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.resolve(new Response(null, { status: 503 }));
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const [, bucket, ...rest] = url.pathname.split("/");
    const key = rest.map(decodeURIComponent).join("/");
    this.requests.push(
      `${request.method} ${key}${url.searchParams.has("delete") ? "?delete" : ""}`,
    );
    const body = new Uint8Array(await request.arrayBuffer());
    // WHY: a fault may never answer, and must not keep the server from closing.
    const faulty = await Promise.race([this.fault(request), this.#closed.promise]);
    if (faulty) return faulty;
    const code = signatureFault(request, body, this.signedBy);
    if (code !== null) return failure(STATUS[code] ?? 403, code);
    if (bucket !== this.bucket) return failure(404, "NoSuchBucket");
    if (key === "") return this.#ofBucket(request, url.searchParams, body);
    if (request.method === "PUT") return this.#put(request, key, body);
    if (request.method === "DELETE") {
      this.objects.delete(key);
      return new Response(null, { status: 204 });
    }
    return this.#get(request, key);
  }

  #ofBucket({ method, headers }: Request, query: URLSearchParams, body: Uint8Array): Response {
    if (method === "GET" && query.get("list-type") === "2") return this.#list(query);
    if (method === "POST" && query.has("delete")) {
      if (headers.get("content-md5") !== md5(body, "base64")) return failure(400, "InvalidDigest");
      const keys = [...new TextDecoder().decode(body).matchAll(/<Key>([^<]*)<\/Key>/g)];
      for (const [, key = ""] of keys) this.objects.delete(fromXml(key));
      return xml("<DeleteResult/>");
    }
    return failure(501, "NotImplemented");
  }

  #put(request: Request, key: string, body: Uint8Array): Response {
    const source = request.headers.get("x-amz-copy-source");
    if (source === null) {
      const metadata = Object.fromEntries(
        [...request.headers].flatMap(([name, value]) =>
          name.startsWith("x-amz-meta-") ? [[name.slice("x-amz-meta-".length), value]] : []
        ),
      );
      const values = Object.values(metadata);
      if (values.some((value) => value.length > VALUE_MAX)) return failure(500, "InternalError");
      const total = Object.keys(metadata).concat(values).join("").length;
      if (total > METADATA_MAX) return failure(400, "MetadataTooLarge");
      this.objects.set(key, body);
      this.#facts.set(key, { metadata, modifiedAt: this.now() });
      return new Response(null, { headers: { etag: etag(body) } });
    }
    const from = decodeURIComponent(source).replace(`${this.bucket}/`, "");
    const copied = this.objects.get(from);
    if (!copied) return failure(404, "NoSuchKey");
    if (from === key) return failure(400, "InvalidRequest");
    this.objects.set(key, copied);
    const { metadata = {} } = this.#facts.get(from) ?? {};
    this.#facts.set(key, { metadata, modifiedAt: this.now() });
    return xml(`<CopyObjectResult><ETag>${etag(copied)}</ETag></CopyObjectResult>`);
  }

  #get(request: Request, key: string): Response {
    const object = this.objects.get(key);
    if (!object) return failure(404, "NoSuchKey");
    const { metadata = {}, modifiedAt = this.now() } = this.#facts.get(key) ?? {};
    const headers: Record<string, string> = {
      etag: etag(object),
      "content-length": String(object.length),
      "last-modified": modifiedAt.toUTCString(),
    };
    for (const [name, value] of Object.entries(metadata)) headers[`x-amz-meta-${name}`] = value;
    if (request.method === "HEAD") return new Response(null, { headers });
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
    if (!range) return new Response(new Uint8Array(object), { headers });
    const [from, to] = [Number(range[1]), Math.min(Number(range[2]), object.length - 1)];
    if (from > to) return failure(416, "InvalidRange");
    return new Response(object.slice(from, to + 1), {
      status: 206,
      headers: {
        ...headers,
        "content-length": String(to + 1 - from),
        "content-range": `bytes ${from}-${to}/${object.length}`,
      },
    });
  }

  #list(query: URLSearchParams): Response {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
    const most = Math.min(Number(query.get("max-keys") ?? PAGE_OBJECTS), this.pageObjects);
    const isUrl = query.get("encoding-type") === "url";
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after)
      .sort();
    const page = keys.slice(0, most);
    const contents = page.map((key) => {
      const { modifiedAt = this.now() } = this.#facts.get(key) ?? {};
      const name = isUrl ? encodeURIComponent(key) : toXml(key);
      return `<Contents><Key>${name}</Key><Size>${this.objects.get(key)?.length}</Size>` +
        `<LastModified>${modifiedAt.toISOString()}</LastModified></Contents>`;
    });
    const last = toXml(page.at(-1) ?? "");
    const more = keys.length > most
      ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${last}</NextContinuationToken>`
      : "<IsTruncated>false</IsTruncated>";
    const encoding = isUrl ? "<EncodingType>url</EncodingType>" : "";
    return xml(`<ListBucketResult>${encoding}${more}${contents.join("")}</ListBucketResult>`);
  }
}

const STATUS: Readonly<Record<string, number>> = {
  AuthorizationHeaderMalformed: 400,
  InvalidToken: 400,
  XAmzContentSHA256Mismatch: 400,
};

/** An answer of an object store that will not. */
export function failure(status: number, code: string): Response {
  return xml(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`, status);
}

function xml(content: string, status = 200): Response {
  const headers = { "content-type": "application/xml" };
  return new Response(`<?xml version="1.0" encoding="UTF-8"?>${content}`, { status, headers });
}

function toXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function fromXml(text: string): string {
  const names: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  return text.replaceAll(/&(\w+);/g, (whole, name) => names[name] ?? whole);
}

/** WHY remembered: a large object may be read in many ranges. */
const etags = new WeakMap<Uint8Array, string>();

function etag(object: Uint8Array): string {
  const known = etags.get(object) ?? `"${md5(object)}"`;
  etags.set(object, known);
  return known;
}

function md5(data: Uint8Array, encoding: "hex" | "base64" = "hex"): string {
  return createHash("md5").update(data).digest(encoding);
}
