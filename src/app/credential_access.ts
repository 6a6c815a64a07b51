import type { S3Config } from "../config/config.ts";

/** What a worker may do beside the rest so that the SDK finds credentials. */
export interface CredentialAccess {
  readonly net: readonly string[];
  readonly read: readonly string[];
}

/** Where machines and containers of AWS tell their credentials, and where a web identity is changed. */
const PLACES = [
  "169.254.169.254:80",
  "[fd00:ec2::254]:80",
  "169.254.170.2:80",
  "169.254.170.23:80",
  "[fd00:ec2::23]:80",
  "sts.amazonaws.com:443",
];
const URLS = [
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
  "AWS_EC2_METADATA_SERVICE_ENDPOINT",
  "AWS_ENDPOINT_URL_STS",
];
const FILES = [
  "AWS_SHARED_CREDENTIALS_FILE",
  "AWS_CONFIG_FILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

/**
 * Nothing with keys in the configuration; without, the places where AWS's tools look. A program that
 * a profile names (`credential_process`) is not run, and there is no single sign-on.
 */
export function credentialAccess(
  { accessKey, region }: Pick<S3Config, "accessKey" | "region">,
  env: Readonly<Record<string, string | undefined>>,
): CredentialAccess {
  if (accessKey !== null) return { net: [], read: [] };
  const home = env["HOME"] ?? env["USERPROFILE"];
  return {
    net: [...PLACES, `sts.${region}.amazonaws.com:443`, ...URLS.flatMap((name) => host(env[name]))],
    read: [
      ...home ? [`${home}/.aws`] : [],
      ...FILES.flatMap((name) => env[name] ? [env[name]] : []),
    ],
  };
}

function host(text: string | undefined): string[] {
  const url = text === undefined ? null : URL.parse(text);
  if (!url) return [];
  return [`${url.hostname}:${url.port || (url.protocol === "https:" ? 443 : 80)}`];
}
