/** The real upload worker, which dies when it is told to. */
import "../app/crash_on_demand.ts";
import "../../src/app/upload_worker.ts";
