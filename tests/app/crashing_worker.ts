/** The real protocol worker, which crashes when it is told to. */
import "./crash_on_demand.ts";
import "../../src/app/protocol_worker.ts";
