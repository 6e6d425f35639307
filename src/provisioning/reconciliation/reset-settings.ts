import type { PostgresAdmin } from '../../infra/postgres/postgres-admin.js';
import { quoteIdentifier } from '../../kernel/identifiers.js';

const STATEMENTS_A_MESSAGE = 200;

/** Removes what a role has stored for these databases, a portion at a time: there may be as many as the server has. */
export async function resetSettings(
  postgres: PostgresAdmin,
  { role, databases }: { role: string; databases: readonly string[] },
): Promise<void> {
  for (let at = 0; at < databases.length; at += STATEMENTS_A_MESSAGE) {
    const statements = databases
      .slice(at, at + STATEMENTS_A_MESSAGE)
      .map((name) => `ALTER ROLE ${quoteIdentifier(role)} IN DATABASE ${quoteIdentifier(name)} RESET ALL`);
    await postgres.execute(statements.join('; '));
  }
}
