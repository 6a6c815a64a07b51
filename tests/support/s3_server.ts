import { createHash, createHmac } from "node:crypto";

export const ACCESS_KEY = "test-access-key";
export const SECRET_KEY = "test-secret-key";
const REGION = "us-east-1";
const UNSIGNED = "UNSIGNED-PAYLOAD";

/** A small S3: one process, objects in memory, every request's signature checked (AWS SigV4). */
export class S3Server implements AsyncDisposable {
  readonly objects = new Map<string, Uint8Array>();
  /** Answers before anything else when it returns a response: the place for faults. */
  fault: (request: Request) => Response | Promise<Response> | undefined = () => undefined;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(readonly bucket: string) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  static start(bucket = "mail"): S3Server {
    return new S3Server(bucket);
  }

  /** `host:port`, as `[s3] endpoint` wants it. */
  get endpoint(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const body = new Uint8Array(await request.arrayBuffer());
    const faulty = await this.fault(request);
    if (faulty) return faulty;
    if (!isSigned(request, body)) return failure(403, "SignatureDoesNotMatch");
    const [, bucket, ...rest] = new URL(request.url).pathname.split("/");
    if (bucket !== this.bucket) return failure(404, "NoSuchBucket");
    const key = rest.map(decodeURIComponent).join("/");
    const source = request.headers.get("x-amz-copy-source");
    if (request.method === "PUT" && source !== null) {
      const copied = this.objects.get(decodeURIComponent(source).replace(`${this.bucket}/`, ""));
      if (!copied) return failure(404, "NoSuchKey");
      this.objects.set(key, copied);
      const xml = `<CopyObjectResult><ETag>"${md5(copied)}"</ETag></CopyObjectResult>`;
      return new Response(xml, { headers: { "content-type": "application/xml" } });
    }
    if (request.method === "PUT") {
      this.objects.set(key, body);
      return new Response(null, { headers: { etag: `"${md5(body)}"` } });
    }
    if (request.method === "DELETE") {
      this.objects.delete(key);
      return new Response(null, { status: 204 });
    }
    const object = this.objects.get(key);
    if (!object) return failure(404, "NoSuchKey");
    const headers = { etag: `"${md5(object)}"`, "content-length": String(object.length) };
    if (request.method === "HEAD") return new Response(null, { headers });
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
    if (!range) return new Response(new Uint8Array(object), { headers });
    const [from, to] = [Number(range[1]), Math.min(Number(range[2]), object.length - 1)];
    if (from > to) return failure(416, "InvalidRange");
    return new Response(object.slice(from, to + 1), {
      status: 206,
      headers: { "content-range": `bytes ${from}-${to}/${object.length}` },
    });
  }
}

function failure(status: number, code: string): Response {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  return new Response(body, { status, headers: { "content-type": "application/xml" } });
}

/** AWS Signature Version 4, "Authenticating requests (header)". */
function isSigned(request: Request, body: Uint8Array): boolean {
  const parsed =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
      .exec(request.headers.get("authorization") ?? "");
  if (!parsed) return false;
  const [, accessKey, day = "", region = "", signedHeaders = "", signature] = parsed;
  const payload = request.headers.get("x-amz-content-sha256") ?? "";
  if (accessKey !== ACCESS_KEY || region !== REGION) return false;
  if (payload !== UNSIGNED && payload !== sha256(body)) return false;
  const url = new URL(request.url);
  const query = [...url.searchParams].map(([k, v]) =>
    `${encodeURIComponent(k)}=${encodeURIComponent(v)}`
  ).sort().join("&");
  const headers = signedHeaders.split(";").map((name) =>
    `${name}:${(request.headers.get(name) ?? "").trim()}\n`
  ).join("");
  const canonical = [request.method, url.pathname, query, headers, signedHeaders, payload].join(
    "\n",
  );
  const scope = `${day}/${region}/s3/aws4_request`;
  const date = request.headers.get("x-amz-date") ?? "";
  const toSign = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
  const key = [day, region, "s3", "aws4_request"].reduce<string | Uint8Array>(
    (secret, part) => createHmac("sha256", secret).update(part).digest(),
    `AWS4${SECRET_KEY}`,
  );
  return createHmac("sha256", key).update(toSign).digest("hex") === signature;
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function md5(data: Uint8Array): string {
  return createHash("md5").update(data).digest("hex");
}
