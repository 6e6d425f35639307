import { withClient } from '../support/sql.js';
import type { KnownHome, Strings } from './known-homes.js';

/** A row that says whose it is. Without one when the servers are down just now: the next check adds it. */
export async function addMark(home: KnownHome): Promise<void> {
  if (!home.strings) return;
  await writeMark(home, home.strings).catch(() => undefined);
}

export async function writeMark(home: KnownHome, strings: Strings): Promise<void> {
  await withClient(strings.connection_string, async (client) => {
    if (home.kind === 'databases')
      await client.query('CREATE TABLE IF NOT EXISTS products (name text NOT NULL UNIQUE)');
    await client.query('INSERT INTO products (name) VALUES ($1) ON CONFLICT DO NOTHING', [home.mark]);
  });
  home.isMarked = true;
}

/** What is wrong with the rows that its login sees through one port. */
export async function findForeignRows(home: KnownHome, connectionString: string): Promise<string[]> {
  return withClient(connectionString, async (client) => {
    if (!home.isMarked) return [];
    const names = (await client.query<{ name: string }>('SELECT name FROM products')).rows.map(
      ({ name }) => name,
    );
    const foreign = names.filter((name) => name !== home.mark && !home.inherited.includes(name));
    const lost = names.includes(home.mark) ? [] : [`${home.mark} has lost its own row`];
    return [...foreign.map((name) => `${home.mark} sees a row of ${name}`), ...lost];
  });
}
