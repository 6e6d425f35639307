import { chmod, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { opposite, probeAnswerIn } from '../../src/infra/hba/probe.js';
import { withoutBlock } from '../../src/infra/postgres/hba-file/hba-block.js';
import { SqlHbaFile } from '../../src/infra/postgres/hba-file/sql-hba-file.js';
import { PostgresAdmin } from '../../src/infra/postgres/postgres-admin.js';
import { SessionSeals } from '../../src/infra/postgres/session-seal.js';
import { AccessPeers } from '../../src/provisioning/access/access-peers.js';
import { AccessSync } from '../../src/provisioning/access/access-sync.js';
import { DirectGate } from '../../src/provisioning/access/direct-gate.js';
import { renderGuards } from '../../src/provisioning/access/guard-lines.js';
import { GuardedPort } from '../../src/provisioning/access/guarded-port.js';
import { renderPgHba } from '../../src/provisioning/access/pg-hba.js';
import { readAccessPlan } from '../../src/provisioning/access/plan-reader.js';
import { SessionPatrol } from '../../src/provisioning/access/session-patrol.js';
import type { ManagedServer } from '../../src/provisioning/managed-server.js';
import { ServerRegistry } from '../../src/provisioning/server-registry.js';
import { until } from '../support/until.js';
import { loginOf, startAccess } from './access-fixture.js';
import { startAnotherProcess } from './provisioning-fixture.js';

const fixture = await startAccess();
const { base } = fixture;
const hbaFile = base.config.server.hbaFile ?? '';
const poolerFile = join(base.config.server.pooler?.configDir ?? '', 'hba.conf');

/** Line ends of two kinds, a tab, a backslash, a character in latin1, and no line end at the last. */
const OPERATORS = Buffer.from(
  '# r\xe9seau\\\r\n\r\nlocal\tall  all scram-sha-256\nhost all all all scram-sha-256 # \\',
  'latin1',
);

let original: Buffer;

beforeEach(async () => {
  original = await readFile(hbaFile);
});

afterEach(() => writeFile(hbaFile, original));

/** A process that has no file of PostgreSQL's on its machine. */
async function elsewhere(): Promise<[AccessSync, ManagedServer]> {
  const { PG_HBA_FILE: _, ...env } = base.env;
  return accessOf(await startAnother(env));
}

async function startAnother(env: Record<string, string>): Promise<INestApplicationContext> {
  const other = await startAnotherProcess(loadConfig(env));
  onTestFinished(() => other.close());
  return other;
}

function accessOf(context: INestApplicationContext): [AccessSync, ManagedServer] {
  return [context.get(AccessSync), context.get(ServerRegistry).default()];
}

/** Connections that broke with a server are made anew one by one. */
async function untilSynced(): Promise<void> {
  await until('the servers are back', () => fixture.sync().then(() => true));
}

async function filesNow(): Promise<string[]> {
  return Promise.all([hbaFile, poolerFile].map((path) => readFile(path, 'latin1')));
}

test.each(['file', 'SQL'])("puts its rules above an operator's lines and keeps those, by %s", async (way) => {
  await chmod(hbaFile, 0o640);
  await writeFile(hbaFile, OPERATORS);
  const before = await stat(hbaFile);
  const home = await base.make();
  const rule = await fixture.addRule({ databaseId: home.id }, '127.0.0.2');
  const [access, server] = way === 'file' ? [fixture.access, base.server] : await elsewhere();

  await access.sync(server);

  const text = await readFile(hbaFile, 'latin1');
  expect(text.startsWith('# BEGIN Rowhouse')).toBe(true);
  expect(withoutBlock(text)).toBe(OPERATORS.toString('latin1'));
  const { mode, uid, gid, ino } = await stat(hbaFile);
  expect({ mode, uid, gid }).toEqual({ mode: before.mode, uid: before.uid, gid: before.gid });
  expect(ino).not.toBe(before.ino);
  expect(await fixture.admitted(loginOf(home), ['127.0.0.2', '127.0.0.3'])).toEqual({
    direct: ['127.0.0.2'],
    pooled: ['127.0.0.2'],
  });
  await fixture.removeRule(rule);
  await access.sync(server);
  expect(withoutBlock(await readFile(hbaFile, 'latin1'))).toBe(OPERATORS.toString('latin1'));
});

test.each(['file', 'SQL'])('follows a link to where the rules really are, by %s', async (way) => {
  const target = `${hbaFile}.real`;
  await rename(hbaFile, target);
  await symlink(target, hbaFile);
  onTestFinished(() => rename(target, hbaFile));
  const home = await base.make();
  await fixture.addRule({ databaseId: home.id }, '127.0.0.2');
  const [access, server] = way === 'file' ? [fixture.access, base.server] : await elsewhere();

  await access.sync(server);

  expect(await readFile(target, 'latin1')).toContain(home.databaseName);
});

test("takes both files back when PostgreSQL does not take an operator's line, and says which", async () => {
  const home = await fixture.guardedHome('127.0.0.2');
  const rule = await fixture.addRule({ databaseId: home.id }, '127.0.0.3');
  await writeFile(
    hbaFile,
    `${await readFile(hbaFile, 'latin1')}\nhost all all 999.0.0.1/32 trust\n`,
    'latin1',
  );
  const before = await filesNow();

  await expect(fixture.sync()).rejects.toMatchObject({
    code: 'OPERATION_FAILED',
    detail: expect.stringMatching(/line \d+ .*999\.0\.0\.1/s),
  });

  expect(await filesNow()).toEqual(before);
  expect((await fixture.ruleOf(rule))?.['applied_at']).toBeNull();
  expect(await fixture.admitted(loginOf(home), ['127.0.0.2', '127.0.0.3'])).toEqual({
    direct: ['127.0.0.2'],
    pooled: ['127.0.0.2'],
  });
  await writeFile(hbaFile, before[0]?.replace(/\nhost all all 999.*\n/, '') ?? '', 'latin1');
  await fixture.sync();
  expect((await fixture.ruleOf(rule))?.['applied_at']).toBeInstanceOf(Date);
});

test('refuses a file in which one of its two marks is gone', async () => {
  await fixture.guardedHome('127.0.0.2');
  await fixture.addRule({ databaseId: (await base.make()).id }, '127.0.0.2');
  await writeFile(hbaFile, (await readFile(hbaFile, 'latin1')).replace(/^# END Rowhouse.*$/m, ''), 'latin1');

  await expect(fixture.sync()).rejects.toMatchObject({ code: 'CONFLICT' });
});

test('takes pg_hba.conf back when the pooler is away', async () => {
  const [access, server] = accessOf(await startAnother({ ...base.env, DB_PGBOUNCER_ENABLED: 'false' }));
  const home = await fixture.guardedHome('127.0.0.2');
  await fixture.addRule({ databaseId: home.id }, '127.0.0.3');
  const before = await filesNow();
  await base.stack.pgbouncer.stop();
  onTestFinished(untilSynced);
  onTestFinished(() => base.stack.pgbouncer.start());

  await expect(access.sync(server)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });

  expect(await filesNow()).toEqual(before);
  expect(await fixture.canLogIn('direct', '127.0.0.3', loginOf(home))).toBe(false);
  expect(await fixture.canLogIn('direct', '127.0.0.2', loginOf(home))).toBe(true);
});

test('takes pg_hba.conf back when PostgreSQL goes away before it has read it', async () => {
  const [access, server] = accessOf(await startAnother({ ...base.env, DB_PGBOUNCER_ENABLED: 'false' }));
  const home = await fixture.guardedHome('127.0.0.2');
  await fixture.addRule({ databaseId: home.id }, '127.0.0.3');
  const plan = await readAccessPlan(base.control.manager, base.server, 'open');
  const before = await filesNow();
  const gate = new DirectGate(base.config.server, base.server.postgres, null);
  const reload = gate.reload.bind(gate);
  gate.reload = async () => {
    await base.stack.postgres.kill();
    await reload();
  };
  onTestFinished(untilSynced);
  onTestFinished(() => base.stack.postgres.start());

  await expect(new GuardedPort(gate).apply(plan)).rejects.toThrow();

  expect(await filesNow()).toEqual(before);
  await expect(access.sync(server)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  expect(await filesNow()).toEqual(before);
});

test('takes pg_hba.conf back when the rules of the pooler cannot be written', async () => {
  const home = await fixture.guardedHome('127.0.0.2');
  await fixture.addRule({ databaseId: home.id }, '127.0.0.3');
  const before = await filesNow();
  const { config } = base.server;
  if (!config.pooler) throw new Error('there is no pooler');
  const server = { ...base.server, config: { ...config, pooler: { ...config.pooler, configDir: '/proc' } } };

  await expect(anotherAccess().sync(server)).rejects.toMatchObject({
    code: 'OPERATION_FAILED',
    detail: expect.stringContaining('/proc/hba.conf could not be written'),
  });

  expect(await filesNow()).toEqual(before);
  await fixture.sync();
});

test('refuses rules that a pooler whose files it does not write would bypass', async () => {
  await fixture.guardedHome('127.0.0.2');
  const { config } = base.server;
  if (!config.pooler) throw new Error('there is no pooler');
  const server = { ...base.server, config: { ...config, pooler: { ...config.pooler, configDir: null } } };

  await expect(anotherAccess().sync(server)).rejects.toMatchObject({
    code: 'CONFLICT',
    detail: expect.stringContaining('PGBOUNCER_CONFIG_DIR'),
  });
});

test('says so when PG_HBA_FILE is not the file that PostgreSQL goes by', async () => {
  const stray = join(base.stack.dataDir, 'stray_hba.conf');
  await writeFile(stray, 'local all all scram-sha-256\n');
  await fixture.guardedHome('127.0.0.2');
  const server = { ...base.server, config: { ...base.server.config, hbaFile: stray } };

  await expect(anotherAccess().sync(server)).rejects.toMatchObject({
    code: 'OPERATION_FAILED',
    detail: expect.stringContaining('PG_HBA_FILE'),
  });

  expect(await readFile(stray, 'utf8')).toBe('local all all scram-sha-256\n');
});

test('needs the rights to write the file through SQL, and names them', async () => {
  await base.admin("CREATE ROLE weak LOGIN PASSWORD 'weak'; GRANT CONNECT ON DATABASE postgres TO weak");
  const weak = new PostgresAdmin(
    { ...base.config.server, adminUser: 'weak', adminPassword: 'weak' },
    null,
    SessionSeals.of(base.config),
  );
  onTestFinished(() => weak.close());

  const refusal = { code: 'CONFLICT', detail: expect.stringContaining('superuser') };

  await expect(new SqlHbaFile(weak).read()).rejects.toMatchObject(refusal);
  await expect(new SqlHbaFile(weak).write('')).rejects.toMatchObject(refusal);
});

test('finishes what a process wrote that died before PostgreSQL had read it', async () => {
  const home = await fixture.guardedHome('127.0.0.2');
  await fixture.addRule({ databaseId: home.id }, '127.0.0.3');
  const plan = await readAccessPlan(base.control.manager, base.server, 'open');
  const guards = renderGuards(plan, 'direct');
  const text = await readFile(hbaFile, 'latin1');
  const answer = opposite(probeAnswerIn(text) ?? 'refuses');
  const gate = new DirectGate(base.config.server, base.server.postgres, null);
  await gate.write(gate.render(text, guards, answer));
  expect(await readFile(hbaFile, 'latin1')).toContain(renderPgHba(guards, answer));
  expect(await fixture.canLogIn('direct', '127.0.0.3', loginOf(home))).toBe(false);

  await fixture.sync();

  expect(await fixture.canLogIn('direct', '127.0.0.3', loginOf(home))).toBe(true);
});

test('puts a thousand databases of ten rules in force', async () => {
  const home = await fixture.guardedHome('127.0.0.2');
  await base.control.query(
    `INSERT INTO databases (id, server_id, friendly_name, owner_email, database_name, username, status,
       max_connections, statement_timeout_ms, lock_timeout_ms, idle_in_transaction_timeout_ms, scram_verifier)
     SELECT gen_random_uuid(), $1, 'many', 'many@example.com', 'many_' || n, 'many_user_' || n, 'deleting', 5, 0, 0, 0, ''
     FROM generate_series(1, 1000) AS n`,
    [base.server.id],
  );
  await base.control.query(
    `INSERT INTO whitelist_rules (id, database_id, network, created_by)
     SELECT gen_random_uuid(), d.id, ('10.' || n || '.' || row_number() OVER (PARTITION BY n) % 200 || '.0/24')::cidr, 'test'
     FROM databases d, generate_series(1, 10) AS n WHERE d.friendly_name = 'many'`,
  );
  onTestFinished(async () => {
    await base.control.query("DELETE FROM databases WHERE friendly_name = 'many'");
    await fixture.sync();
  });
  const rule = await fixture.addRule({ databaseId: home.id }, '127.0.0.3');

  await fixture.sync();

  expect((await fixture.ruleOf(rule))?.['applied_at']).toBeInstanceOf(Date);
  expect(await fixture.admitted(loginOf(home), ['127.0.0.1', '127.0.0.2', '127.0.0.3'])).toEqual({
    direct: ['127.0.0.2', '127.0.0.3'],
    pooled: ['127.0.0.2', '127.0.0.3'],
  });
});

function anotherAccess(): AccessSync {
  const { context, config, control } = base;
  return new AccessSync(
    config,
    control,
    context.get(AccessPeers, { strict: false }),
    context.get(SessionPatrol),
  );
}
