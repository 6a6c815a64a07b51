import { failure, type Fault } from "./s3_server.ts";

/** Ways in which an object store misbehaves, by name; for `S3Server.fault`. */
export const s3Faults = {
  "500": () => failure(500, "InternalError"),
  "503 SlowDown": () => failure(503, "SlowDown"),
  "429": () => failure(429, "TooManyRequests"),
  "an answer without XML": () => new Response("<html>no", { status: 502 }),
  "no answer": untilGone,
} satisfies Readonly<Record<string, Fault>>;

/** Faults of an answer to GET only; the object has `size` octets. */
export function s3BodyFaults(size: number): Readonly<Record<string, Fault>> {
  const headers = { "content-length": String(size) };
  const half = new Uint8Array(size >> 1);
  const body = (then: (controller: ReadableStreamDefaultController<Uint8Array>) => void) =>
    new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(half),
      pull: then,
    });
  return {
    "a stall inside the body": () => new Response(body(() => {}), { headers }),
    "a truncated body": () => new Response(body((controller) => controller.close()), { headers }),
    "a reset inside the body": () =>
      new Response(body((controller) => controller.error(new Error("reset"))), { headers }),
    "a shorter object": () => new Response(half),
    "an empty object": () => new Response(new Uint8Array(0)),
  };
}

/** A fault for the first request of a method only. */
export function once(fault: Fault, method: string): Fault {
  let isOver = false;
  return (request) => {
    if (isOver || request.method !== method) return undefined;
    isOver = true;
    return fault(request);
  };
}

/** No answer for as long as the server runs. */
export function untilGone(): Promise<Response> {
  return new Promise(() => {});
}
