import { expect, onTestFinished, test } from 'vitest';
import { createDatabase, type NewDatabase } from '../support/databases.js';
import { canLogin, loginError } from '../support/sql.js';
import { type StoppedSession, stopSession } from '../support/stopped-session.js';
import { until } from '../support/until.js';
import { addRule, whitelistOf } from '../support/whitelists.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({ env: { WARM_POOL_SIZE: '0' } });
const { api, server, control } = world;

interface Part {
  name: string;
  status: string;
  reason: string | null;
}

const ASYNC = { headers: { prefer: 'respond-async' } };

async function stop({ connection_string }: NewDatabase): Promise<StoppedSession> {
  const session = await stopSession(connection_string);
  onTestFinished(() => session.goOn());
  return session;
}

async function sessionsPart(): Promise<Part | undefined> {
  const answer = (await api.get('/health/ready', { key: null })).expect(200).body as unknown as {
    parts: Part[];
  };
  return answer.parts.find(({ name }) => name === 'sessions of default');
}

async function beginToDelete(databases: readonly NewDatabase[]): Promise<void> {
  for (const { id } of databases) (await api.delete(`/api/databases/${id}`, ASYNC)).expect(202);
}

async function areThere(databases: readonly NewDatabase[]): Promise<number> {
  const rows = await server.query('SELECT FROM pg_database WHERE datname = ANY ($1)', [
    databases.map(({ database_name }) => database_name),
  ]);
  return rows.length;
}

/** What workers do besides dropping databases. */
async function expectOthersServed(other: NewDatabase): Promise<void> {
  const made = await createDatabase(world);
  expect(await canLogin(made.connection_string_pooled)).toBe(true);
  (await api.post(`/api/databases/${other.id}/suspend`, {})).expect(200);
  (await api.post(`/api/databases/${other.id}/resume`, {})).expect(200);
  (await api.post(`/api/databases/${other.id}/rotate-credentials`, {})).expect(200);
  const servers = (await api.get<{ id: string }[]>('/api/servers')).expect(200).data;
  (await api.post(`/api/servers/${servers[0]?.id}/reconcile`, { repair: true })).expect(200);
}

async function creates(count: number): Promise<NewDatabase[]> {
  const made: NewDatabase[] = [];
  for (let at = 0; at < count; at += 1) made.push(await createDatabase(world));
  return made;
}

test('a session that does not end is reported by name, and keeps nobody but deletions waiting', async () => {
  const [bad, other] = [await createDatabase(world), await createDatabase(world)];
  const doomed = await creates(6);
  expect(await sessionsPart()).toMatchObject({ status: 'up', reason: null });
  const session = await stop(bad);

  (await api.post(`/api/databases/${bad.id}/suspend`, {}, ASYNC)).expect(202);

  await until('logins are refused', async () => (await loginError(bad.connection_string)) !== null);
  expect(await loginError(bad.connection_string_pooled)).not.toBeNull();
  const reason = await until('the session is reported', async () => (await sessionsPart())?.reason, {
    timeoutMs: 40_000,
  });
  for (const part of [bad.username, bad.database_name, `process ${session.pid}`])
    expect(reason).toContain(part);
  await beginToDelete(doomed);
  await until('the deletions say what they wait for', async () => {
    const rows = await control.query<{ error: { message: string } | null }>(
      `SELECT error FROM operations WHERE kind = 'database.delete' AND state = 'pending' AND error IS NOT NULL`,
    );
    return (
      rows.length === doomed.length &&
      rows.every(({ error }) => error?.message.includes(`process ${session.pid}`))
    );
  });
  await expectOthersServed(other);
  expect(await areThere(doomed)).toBe(doomed.length);

  await session.goOn();
  await until('the databases are dropped', async () => (await areThere(doomed)) === 0, {
    timeoutMs: 150_000,
  });
  await until('the report is over', async () => (await sessionsPart())?.status === 'up');
});

test('one that nobody told to end keeps deletions waiting for seconds at a time only', async () => {
  const [bad, other] = [await createDatabase(world), await createDatabase(world)];
  const doomed = await creates(6);
  const session = await stop(bad);

  await beginToDelete(doomed);
  await until(
    'a deletion gives up for now',
    async () => {
      const rows = await control.query(
        `SELECT FROM operations WHERE kind = 'database.delete' AND error ->> 'message' LIKE '%does not answer%'`,
      );
      return rows.length > 0;
    },
    { timeoutMs: 30_000 },
  );
  await expectOthersServed(other);
  expect(await areThere(doomed)).toBe(doomed.length);

  await session.goOn();
  await until('the databases are dropped', async () => (await areThere(doomed)) === 0, {
    timeoutMs: 150_000,
  });
});

test('one that a whitelist ends is reported too', async () => {
  const bad = await createDatabase(world);
  const session = await stop(bad);

  await addRule(world, whitelistOf(bad), '198.51.100.0/24');

  const reason = await until('the session is reported', async () => (await sessionsPart())?.reason, {
    timeoutMs: 30_000,
  });
  expect(reason).toContain(`process ${session.pid}`);
  await session.goOn();
  await until('the report is over', async () => (await sessionsPart())?.status === 'up');
});
