import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { poolerCapabilities } from '../../src/infra/pgbouncer/pooler-capabilities.js';
import { createDatabase } from '../support/databases.js';
import { canLogin } from '../support/sql.js';
import { createTemplate, createTenant } from '../support/tenancy.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const MACHINES = ['rowhouse', 'rowhouse_pooler_admin', 'rowhouse_pooler_auth'];

/** A user of auth_file may, before PgBouncer 1.26.1, log in as any other. */
test('auth_file holds machines only, after databases and tenants were made', async () => {
  const database = await createDatabase(world);
  const template = await createTemplate(world);
  const tenant = await createTenant(world, { templateId: template.id });
  expect(await canLogin(database.connection_string_pooled)).toBe(true);

  const file = readFileSync(join(world.stack.dataDir, 'pgbouncer', 'userlist.txt'), 'utf8');

  expect([...file.matchAll(/^"([^"]+)"/gm)].map(([, user]) => user).sort()).toEqual(MACHINES);
  expect(file).not.toContain(database.username);
  expect(file).not.toContain(tenant.username);
});

test('the users of docker/ are the same', () => {
  const entrypoint = readFileSync(
    fileURLToPath(new URL('../../docker/pgbouncer/entrypoint.sh', import.meta.url)),
    'utf8',
  );

  expect([...entrypoint.matchAll(/printf '"([^"]+)" "%s"/g)].map(([, user]) => user).sort()).toEqual(
    MACHINES,
  );
});

test('readiness names what is known of the version, and stays ready', async () => {
  const [row] = await world.pooler.query<{ version: string }>('SHOW VERSION');
  const { version } = poolerCapabilities(row?.version ?? '');
  const answer = await fetch(`${world.api.baseUrl}/health/ready`);
  const { parts } = (await answer.json()) as { parts: { name: string; status: string; notice?: string }[] };
  const pooler = parts.find(({ name }) => name === 'pooler of default');

  expect(answer.status).toBe(200);
  expect(pooler?.status).toBe('up');
  const isFixed = /^(1\.26\.[1-9]|1\.2[7-9]|[2-9]\.)/.test(version);
  expect(pooler?.notice).toBe(isFixed ? undefined : 'CVE-2026-107350, fixed in 1.26.1');
});
