import type { Roll } from "../support/dice.ts";
import { s3BodyFaults, s3Faults } from "../support/s3_faults.ts";
import { failure, type Fault, type S3Server } from "../support/s3_server.ts";

/** One request in so many goes wrong. */
const ONE_IN = 12;
/** Longest delay of a request that is carried out all the same. */
const SLOW_MS = 400;
/** WHY: a body that is too short for its faults gets the others. */
const FAULTY_BYTES_MIN = 2;

/**
 * An object store in trouble, as the dice say: it refuses, does not answer, is slow, carries out what it does not
 * answer, and cuts off or exchanges what it sends. `down`: it refuses everything.
 */
export class S3Storm {
  isDown = false;
  readonly #bucket: S3Server;
  readonly #roll: Roll;

  constructor(bucket: S3Server, roll: Roll) {
    this.#bucket = bucket;
    this.#roll = roll;
  }

  begin(): void {
    this.#bucket.fault = (request) => this.isDown ? s3Faults["503 SlowDown"]() : this.#any(request);
    this.#bucket.lost = () =>
      !this.isDown && this.#roll(4 * ONE_IN) === 0 ? failure(500, "InternalError") : undefined;
  }

  /** The store is well again; what was not answered is not answered. */
  end(): void {
    this.isDown = false;
    this.#bucket.fault = () => undefined;
    this.#bucket.lost = () => undefined;
  }

  #any(request: Request): ReturnType<Fault> {
    if (this.#roll(ONE_IN) > 0) return undefined;
    const size = this.#sizeOf(request);
    const faults: Fault[] = [
      ...Object.values(s3Faults),
      () => this.#slow(),
      ...request.method === "GET" && size >= FAULTY_BYTES_MIN
        ? [...Object.values(s3BodyFaults(size)), () => this.#another(size)]
        : [],
    ];
    return faults[this.#roll(faults.length)]?.(request);
  }

  #slow(): Promise<undefined> {
    const ms = this.#roll(SLOW_MS);
    return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
  }

  /** Another object's octets, as if they were those that were asked for. */
  #another(size: number): Response {
    const objects = [...this.#bucket.objects.values()];
    const body = new Uint8Array(size);
    const other = objects[this.#roll(Math.max(1, objects.length))] ?? body;
    body.set(other.subarray(0, size));
    return new Response(body);
  }

  #sizeOf({ url }: Request): number {
    const [, , ...rest] = new URL(url).pathname.split("/");
    return this.#bucket.objects.get(rest.map(decodeURIComponent).join("/"))?.length ?? 0;
  }
}
