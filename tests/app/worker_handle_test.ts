import assert from "node:assert/strict";
import { WorkerHandle } from "../../src/app/worker_handle.ts";

/** The parts of a Worker that the handle uses. */
class FakeWorker extends EventTarget {
  terminated = 0;
  readonly posted: unknown[] = [];
  postMessage(message: unknown): void {
    this.posted.push(message);
  }
  terminate(): void {
    this.terminated++;
  }
  /** Sent by the worker: `beat()`. */
  beat(): void {
    const data = { rpc: "call", id: 1, name: "beat", args: [] };
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

function handle(): { worker: FakeWorker; handle: WorkerHandle } {
  const worker = new FakeWorker();
  return { worker, handle: new WorkerHandle(worker as unknown as Worker, () => {}) };
}

Deno.test("a worker that is silent for half a minute hangs, and its open calls are rejected", async () => {
  const { worker, handle: subject } = handle();
  const call = subject.remote.metrics();
  for (let i = 0; i < 14; i++) subject.tick();
  worker.beat();
  for (let i = 0; i < 14; i++) subject.tick();
  assert.equal(worker.terminated, 0);
  subject.tick();
  assert.equal(worker.terminated, 1);
  assert.equal((await subject.ended).kind, "hung");
  await assert.rejects(call, /no sign of life for 30 s/);
});

Deno.test("a worker with an uncaught error has crashed; the error does not reach the process", async () => {
  const { worker, handle: subject } = handle();
  const call = subject.remote.drain(1);
  const event = new ErrorEvent("error", { message: "boom", cancelable: true });
  worker.dispatchEvent(event);
  assert.ok(event.defaultPrevented);
  const { kind, error } = await subject.ended;
  assert.deepEqual([kind, error.message, worker.terminated], ["crashed", "boom", 1]);
  await assert.rejects(call, /boom/);
});
