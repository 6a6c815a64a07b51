import type { FetchHttpHandler } from "@smithy/fetch-http-handler";
import type { NodeHttpHandler } from "@smithy/node-http-handler";

type Request = Parameters<NodeHttpHandler["handle"]>[0];
type Options = Parameters<NodeHttpHandler["handle"]>[1];
type Response = Awaited<ReturnType<NodeHttpHandler["handle"]>>;

/**
 * Sends the requests of the SDK: what reads, with `fetch`, whose answers can be read into memory that is
 * there (`readS3Body`); all others as the SDK does, whose bodies may be streams of node's.
 */
export class S3Handler {
  readonly #reading: FetchHttpHandler;
  readonly #others: NodeHttpHandler;
  readonly #client: Deno.HttpClient;

  private constructor(
    reading: FetchHttpHandler,
    others: NodeHttpHandler,
    client: Deno.HttpClient,
  ) {
    this.#reading = reading;
    this.#others = others;
    this.#client = client;
  }

  static async load(others: ConstructorParameters<typeof NodeHttpHandler>[0]): Promise<S3Handler> {
    const [{ FetchHttpHandler }, { NodeHttpHandler }] = await Promise.all([
      import("@smithy/fetch-http-handler"),
      import("@smithy/node-http-handler"),
    ]);
    const client = Deno.createHttpClient({ poolMaxIdlePerHost: 64 });
    const reading = new FetchHttpHandler({
      requestInit: ({ headers }) => ({
        client,
        // WHY: an answer that says "elsewhere" is told as it is, and octets come as they are stored.
        redirect: "manual",
        headers: { ...headers, "accept-encoding": "identity" },
      }),
    });
    return new S3Handler(reading, new NodeHttpHandler(others), client);
  }

  async handle(request: Request, options?: Options): Promise<Response> {
    const handler = request.method === "GET" ? this.#reading : this.#others;
    return await handler.handle(request, options);
  }

  destroy(): void {
    this.#others.destroy();
    this.#client.close();
  }
}
