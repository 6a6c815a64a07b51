import type { Connection } from "./connection.ts";
import { breaksConnection } from "./database_error.ts";
import type { Statement } from "./sql.ts";

/** Runs a statement; a connection that is no good any more is given up, so that nobody gets it again. */
export async function runOn<R>(connection: Connection, statement: Statement): Promise<R[]> {
  try {
    return await connection.run<R>(statement);
  } catch (error) {
    if (breaksConnection(error)) connection.destroy();
    throw error;
  }
}
