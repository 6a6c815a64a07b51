// @ts-types="npm:@types/pg@8.23.1"
import { Client } from "pg";
import { NAME } from "./cluster.ts";
import { PORT } from "./settings.ts";

/** A server that is ready answers at once; one that does not in this time is not well. */
const ANSWER_MS = 10_000;

/** Makes the database `sora` unless there is one. @throws {Error} when its collation is unfit */
export async function makeDatabase(socketFolder: string): Promise<void> {
  await ask(socketFolder, "postgres", async (client) => {
    const { rows } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [NAME]);
    if (rows.length === 0) await client.query(`CREATE DATABASE "${NAME}"`);
  });
  await ask(socketFolder, NAME, async (client) => {
    const { rows } = await client.query<{ fit: boolean }>("SELECT lower('Ä') = 'ä' AS fit");
    if (!rows[0]?.fit) throw new Error("Cannot use this PostgreSQL: lower() ignores non-ASCII");
  });
}

/** True when the server behind this socket takes connections to our database. */
export async function answers(socketFolder: string): Promise<boolean> {
  try {
    await ask(socketFolder, NAME, (client) => client.query("SELECT 1"));
    return true;
  } catch {
    return false;
  }
}

async function ask(
  socketFolder: string,
  database: string,
  work: (client: Client) => Promise<unknown>,
): Promise<void> {
  const client = new Client({
    host: socketFolder,
    port: PORT,
    user: NAME,
    database,
    connectionTimeoutMillis: ANSWER_MS,
    query_timeout: ANSWER_MS,
  });
  client.on("error", () => {}); // WHY: pg throws it at the process otherwise; the query rejects too.
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end();
  }
}
