import { idleBench } from "./idle_bench.ts";
import { report } from "./report.ts";
report("idle", await idleBench(1500));
Deno.exit(0);
