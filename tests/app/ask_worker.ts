/** Starts a worker with these permissions, sends it one message, and answers what it sends back. */
export async function askWorker<Answer>(
  script: URL,
  permissions: Deno.PermissionOptionsObject,
  question: unknown,
): Promise<Answer> {
  const worker = new Worker(script, { type: "module", deno: { permissions } });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
      worker.postMessage(question);
    });
  } finally {
    worker.terminate();
  }
}
