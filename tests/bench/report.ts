/** One measured figure beside its target. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the figure must be: at most (`<=`) or at least (`>=`) so much. */
  readonly target?: readonly ["<=" | ">=", number];
}

/** Prints figures as a table; a missed target is marked. */
export function report(title: string, figures: readonly Figure[]): void {
  say(`\n${title}`);
  for (const { name, value, unit, target } of figures) {
    const met = target === undefined ||
      (target[0] === "<=" ? value <= target[1] : value >= target[1]);
    const shown = `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
    const wanted = target ? `${target[0]} ${target[1]} ${unit}` : "";
    say(`  ${met ? " " : "✗"} ${name.padEnd(58)} ${shown.padStart(14)}   ${wanted}`);
  }
}

/** The value below which so many of 100 samples lie. */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? NaN;
}

/** The middle of several runs. */
export function median(samples: readonly number[]): number {
  return percentile(samples, 50);
}

/** The sum of all samples of a metric at /metrics, 0 without any; NaN when there is no such family. */
export async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"))];
  const isKnown = text.includes(`# TYPE ${name.replace(/_(count|sum)$/, "")} `);
  return isKnown ? values.reduce((sum, [, value]) => sum + Number(value), 0) : NaN;
}

/** How often an event loop of the server stood still for more than 50 ms so far. */
export function stallsOf(server: { readonly metricsPort: number }): Promise<number> {
  return metric(server.metricsPort, "sora_event_loop_stall_seconds_count");
}

export function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
