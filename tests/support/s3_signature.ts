import { createHash, createHmac } from "node:crypto";

const UNSIGNED = "UNSIGNED-PAYLOAD";
const SKEW_MAX_MS = 15 * 60_000;

export interface SignedBy {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** With temporary credentials. */
  readonly token?: string;
}

/** AWS Signature Version 4, "Authenticating requests (header)": the error code, or null. */
export function signatureFault(
  request: Request,
  body: Uint8Array,
  { accessKey, secretKey, region, token }: SignedBy,
): string | null {
  const parsed =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
      .exec(request.headers.get("authorization") ?? "");
  if (!parsed) return "AccessDenied";
  const [, given, day = "", signedRegion = "", signedHeaders = "", signature] = parsed;
  if (given !== accessKey) return "InvalidAccessKeyId";
  if ((request.headers.get("x-amz-security-token") ?? undefined) !== token) return "InvalidToken";
  if (signedRegion !== region) return "AuthorizationHeaderMalformed";
  const date = request.headers.get("x-amz-date") ?? "";
  if (Math.abs(Date.now() - timeOf(date)) > SKEW_MAX_MS) return "RequestTimeTooSkewed";
  const payload = request.headers.get("x-amz-content-sha256") ?? "";
  const names = signedHeaders.split(";");
  if (unsignedHeader(request, names)) return "AccessDenied";
  const canonical = [
    request.method,
    new URL(request.url).pathname,
    canonicalQuery(request),
    names.map((name) => `${name}:${(request.headers.get(name) ?? "").trim()}\n`).join(""),
    signedHeaders,
    payload,
  ].join("\n");
  const scope = `${day}/${signedRegion}/s3/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
  const key = [day, signedRegion, "s3", "aws4_request"].reduce<string | Uint8Array>(
    (secret, part) => createHmac("sha256", secret).update(part).digest(),
    `AWS4${secretKey}`,
  );
  const expected = createHmac("sha256", key).update(toSign).digest("hex");
  if (expected !== signature) return "SignatureDoesNotMatch";
  return payload === UNSIGNED || payload === sha256(body) ? null : "XAmzContentSHA256Mismatch";
}

/** Host and every x-amz- header have to be signed. */
function unsignedHeader(request: Request, signed: readonly string[]): boolean {
  const needed = [...request.headers.keys()].filter((name) => name.startsWith("x-amz-"));
  return ["host", ...needed].some((name) => !signed.includes(name));
}

function canonicalQuery(request: Request): string {
  return [...new URL(request.url).searchParams].map(([name, value]) =>
    `${encoded(name)}=${encoded(value)}`
  ).sort().join("&");
}

function encoded(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function timeOf(date: string): number {
  return Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
