import { type ClientBase, Query } from 'pg';

/** Enough for `SELECT setval(…)`; nobody reads what a template selects. */
export const MAX_ROWS = 1_000;

/** A statement that returns more rows than anybody would read, which a migration would hold in memory. */
export class TooManyRows extends Error {}

/** Runs one statement and drops its rows. After TooManyRows the session still sends: it is to be closed. */
export function runStatement(client: ClientBase, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const query = new Query(sql);
    let rows = 0;
    query.on('row', () => {
      rows += 1;
      if (rows > MAX_ROWS) reject(new TooManyRows());
    });
    query.on('error', reject);
    query.on('end', () => resolve());
    client.query(query);
  });
}
