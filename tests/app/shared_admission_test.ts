import assert from "node:assert/strict";
import {
  forgetWorker,
  sessionCounts,
  SharedAdmission,
  type SharedAdmissionOptions,
} from "../../src/app/shared_admission.ts";

/** Two workers that serve two servers each, over one memory; indexed [worker][server]. */
function workers(options: SharedAdmissionOptions) {
  const counts = sessionCounts(2, 2);
  const admissions = [0, 1].map((worker) =>
    [0, 1].map((server) => new SharedAdmission(counts, { worker, server, servers: 2 }, options))
  );
  const admit = (worker: number, server: number, host: string) => {
    const admission = admissions[worker]?.[server];
    assert.ok(admission);
    return admission.admit(host);
  };
  return { counts, admit };
}

function given(place: (() => void) | string): () => void {
  assert.ok(typeof place === "function", String(place));
  return place;
}

Deno.test("SharedAdmission counts sessions over all workers, each server apart", () => {
  const { admit } = workers({ maxConnections: 3, maxConnectionsPerIp: 0 });
  const give = given(admit(0, 0, "192.0.2.1"));
  given(admit(0, 0, "192.0.2.2"));
  given(admit(1, 0, "192.0.2.3"));
  assert.equal(admit(0, 0, "192.0.2.4"), "max_connections");
  assert.equal(admit(1, 0, "192.0.2.4"), "max_connections");
  given(admit(1, 1, "192.0.2.4"));
  give();
  give();
  given(admit(1, 0, "192.0.2.4"));
  assert.equal(admit(0, 0, "192.0.2.5"), "max_connections");
});

Deno.test("SharedAdmission counts sessions of one address over all workers", () => {
  const { admit } = workers({
    maxConnections: 0,
    maxConnectionsPerIp: 2,
    exempt: { has: (host) => host === "10.0.0.1" },
  });
  const give = given(admit(0, 0, "2001:db8::1"));
  given(admit(1, 0, "2001:db8::1"));
  assert.equal(admit(0, 0, "2001:db8::1"), "max_connections_per_ip");
  given(admit(0, 0, "2001:db8::2"));
  give();
  given(admit(1, 0, "2001:db8::1"));
  for (let i = 0; i < 10; i++) given(admit(i % 2, 0, "10.0.0.1"));
});

Deno.test("SharedAdmission does not take one address for another among thousands", () => {
  const { admit } = workers({ maxConnections: 0, maxConnectionsPerIp: 6 });
  let refused = 0;
  for (let i = 0; i < 12_000; i++) {
    const address = i >> 1;
    if (typeof admit(i % 2, 0, `198.51.${address >> 8}.${address & 255}`) === "string") refused++;
  }
  assert.equal(refused, 0);
});

Deno.test("forgetWorker() gives back the places of a worker that died, and only those", () => {
  const { admit, counts } = workers({ maxConnections: 2, maxConnectionsPerIp: 1 });
  given(admit(0, 0, "192.0.2.1"));
  given(admit(1, 0, "192.0.2.2"));
  assert.equal(admit(1, 0, "192.0.2.3"), "max_connections");
  forgetWorker(counts, 0, 2);
  assert.equal(admit(1, 0, "192.0.2.2"), "max_connections_per_ip");
  given(admit(1, 0, "192.0.2.1"));
});
