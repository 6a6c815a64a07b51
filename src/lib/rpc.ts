import { type Refusal, Refused } from "./refused.ts";

/** The part of MessagePort and Worker that the RPC needs. */
export interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
}

/** A table of remote procedures: every argument and result must survive a structured clone. */
export type Procedures = Record<string, (...args: never[]) => unknown>;

/** The caller's side of a table: the same procedures, each answering later. */
export type Remote<T extends Procedures> = {
  readonly [K in keyof T]: (...args: Parameters<T[K]>) => Promise<Awaited<ReturnType<T[K]>>>;
};

type Wire =
  | { readonly rpc: "call"; readonly id: number; readonly name: string; readonly args: unknown[] }
  | { readonly rpc: "result"; readonly id: number; readonly value: unknown }
  | { readonly rpc: "error"; readonly id: number; readonly error: WireFault };

/** An error as plain data; a `Refused` keeps its refusal so that it can be thrown again as one. */
interface WireFault {
  readonly message: string;
  readonly refusal?: Refusal;
}

/**
 * Both ends of one MessagePort: answers calls from `handlers`, and `remote` calls the other side.
 * A call whose port was closed with `close()` is rejected, so nothing waits for a dead worker.
 */
export class Rpc<Local extends Procedures, Other extends Procedures> {
  readonly remote: Remote<Other>;
  readonly #port: Port;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 1;
  #closed: Error | undefined;

  constructor(port: Port, handlers: Local) {
    this.#port = port;
    port.addEventListener("message", (event) => void this.#receive(event.data as Wire, handlers));
    this.remote = new Proxy({} as Remote<Other>, {
      get: (_target, name) => (...args: unknown[]) => this.#call(String(name), args),
    });
  }

  /** Rejects every call that is still open, and all later ones. */
  close(reason: Error): void {
    this.#closed = reason;
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
  }

  #call(name: string, args: unknown[]): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closed);
    const id = this.#nextId++;
    const waiting = Promise.withResolvers<unknown>();
    this.#pending.set(id, waiting);
    this.#post({ rpc: "call", id, name, args }, args);
    return waiting.promise;
  }

  async #receive(message: Wire, handlers: Local): Promise<void> {
    if (message.rpc === "call") {
      this.#post(await answer(message, handlers), []);
      return;
    }
    const waiting = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.rpc === "result") waiting?.resolve(message.value);
    else waiting?.reject(revive(message.error));
  }

  #post(message: Wire, args: unknown[]): void {
    this.#port.postMessage(message, args.filter((arg) => arg instanceof MessagePort));
  }
}

async function answer(
  call: Extract<Wire, { rpc: "call" }>,
  handlers: Procedures,
): Promise<Wire> {
  const handler = Object.hasOwn(handlers, call.name) ? handlers[call.name] : undefined;
  try {
    if (!handler) throw new Error(`Cannot call ${call.name}: no such procedure`);
    return { rpc: "result", id: call.id, value: await handler(...call.args as never[]) };
  } catch (error) {
    return { rpc: "error", id: call.id, error: flatten(error) };
  }
}

function flatten(error: unknown): WireFault {
  if (error instanceof Refused) return { message: error.message, refusal: error.refusal };
  return { message: error instanceof Error ? error.message : String(error) };
}

function revive(fault: WireFault): Error {
  return fault.refusal ? new Refused(fault.refusal) : new Error(fault.message);
}
