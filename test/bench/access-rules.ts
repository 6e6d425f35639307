import type { AccessFixture } from '../integration/access-fixture.js';

const DATABASES = 1_000;

/** Homes in the control database and the pooler; on the server itself nobody would notice them. */
const ADD_DATABASES = `
  INSERT INTO databases (id, server_id, friendly_name, owner_email, database_name, username, status,
    max_connections, statement_timeout_ms, lock_timeout_ms, idle_in_transaction_timeout_ms, scram_verifier)
  SELECT gen_random_uuid(), $1, n::text, 'many@example.com', 'tenant_' || to_char(n, 'FM00000000'),
         'user_' || to_char(n, 'FM00000000'), 'active', 20, 0, 0, 0, ''
  FROM generate_series(1, ${DATABASES}) AS n`;

/** Office, VPN, CI and monitoring for all; three of fifty application servers; three addresses of its own. */
const COMMON_RULES = `
  SELECT d.id AS database_id, network::cidr
  FROM many d, unnest(ARRAY['198.51.100.0/24', '203.0.113.0/24', '192.0.2.0/24', '172.16.5.0/24']) AS network
  UNION ALL
  SELECT d.id, ('192.168.10.' || (d.n + 17 * k) % 50)::cidr FROM many d, generate_series(0, 2) AS k
  UNION ALL
  SELECT d.id, ('10.' || k || '.' || d.n / 250 || '.' || d.n % 250)::cidr FROM many d, generate_series(1, 3) AS k`;

/** The worst case: no two rules have the same network. */
const DISTINCT_RULES = `
  SELECT d.id AS database_id, ('10.' || k || '.' || d.n / 250 || '.' || d.n % 250)::cidr AS network
  FROM many d, generate_series(1, 10) AS k`;

export const RULES = { common: COMMON_RULES, distinct: DISTINCT_RULES };

export async function addDatabases({ base }: AccessFixture): Promise<void> {
  await base.control.query(ADD_DATABASES, [base.server.id]);
  await base.aliases.sync(base.server);
}

/** Ten for each, in place of those that there are; not in force yet. */
export async function setRules({ base }: AccessFixture, rules: string): Promise<void> {
  const many = `SELECT id, friendly_name::int AS n FROM databases WHERE owner_email = 'many@example.com'`;
  await base.control.query(`DELETE FROM whitelist_rules WHERE created_by = 'many'`);
  await base.control.query(
    `WITH many AS MATERIALIZED (${many}), rules AS (${rules})
     INSERT INTO whitelist_rules (id, database_id, network, created_by)
     SELECT gen_random_uuid(), database_id, network, 'many' FROM rules`,
  );
}
