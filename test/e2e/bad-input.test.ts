import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createDatabase, type Database, databaseBody } from '../support/databases.js';
import { whileStopped } from '../support/faults.js';
import { untilIdle } from '../support/leftovers.js';
import { canLogin } from '../support/sql.js';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
const { api } = world;

const without = (field: string) => ({ ...databaseBody(), [field]: undefined });

async function countDatabases(): Promise<number> {
  const [row] = await world.control.query<{ count: number }>('SELECT count(*)::int AS count FROM databases');
  return row?.count ?? -1;
}

describe('a create names the bad field and leaves nothing behind', () => {
  test.each<[string, object, string[]]>([
    ['an unknown field', databaseBody({ flavour: 'vanilla' }), ['flavour']],
    ['no name', without('friendlyName'), ['friendlyName']],
    ['no e-mail', without('ownerEmail'), ['ownerEmail']],
    ['a name of a wrong type', databaseBody({ friendlyName: 7 }), ['friendlyName']],
    ['an empty name', databaseBody({ friendlyName: '' }), ['friendlyName']],
    ['a blank name', databaseBody({ friendlyName: '   ' }), ['friendlyName']],
    ['a name of 10,000 characters', databaseBody({ friendlyName: 'x'.repeat(10_000) }), ['friendlyName']],
    ['a name with NUL', databaseBody({ friendlyName: 'a\0b' }), ['friendlyName']],
    ['a name with a line break', databaseBody({ friendlyName: 'a\nb' }), ['friendlyName']],
    ['a name with half a surrogate pair', databaseBody({ friendlyName: 'a\ud800' }), ['friendlyName']],
    ['a null name', databaseBody({ friendlyName: null }), ['friendlyName']],
    ['maxConnections 0', databaseBody({ maxConnections: 0 }), ['maxConnections']],
    ['maxConnections -1', databaseBody({ maxConnections: -1 }), ['maxConnections']],
    ['maxConnections 1.5', databaseBody({ maxConnections: 1.5 }), ['maxConnections']],
    ['maxConnections "20"', databaseBody({ maxConnections: '20' }), ['maxConnections']],
    ['maxConnections beyond the server', databaseBody({ maxConnections: 9_999 }), ['maxConnections']],
    ['maxConnections null', databaseBody({ maxConnections: null }), ['maxConnections']],
    ['a malformed e-mail', databaseBody({ ownerEmail: 'nobody' }), ['ownerEmail']],
    ['an extension that is not allowed', databaseBody({ extensions: ['dblink'] }), ['extensions']],
    ['an extension twice', databaseBody({ extensions: ['citext', 'citext'] }), ['extensions']],
    ['a negative timeout', databaseBody({ statementTimeoutMs: -1 }), ['statementTimeoutMs']],
    [
      'several at once',
      { friendlyName: '', ownerEmail: 'x', maxConnections: 'y' },
      ['friendlyName', 'maxConnections', 'ownerEmail'],
    ],
  ])('%s', async (_, body, fields) => {
    const before = await countDatabases();

    const { problem, badFields } = (await api.post('/api/databases', body)).expect(400);

    expect(problem).toMatchObject({ success: false, code: 'VALIDATION_FAILED', retryable: false });
    expect([...new Set(badFields)].sort()).toEqual(fields);
    expect(await countDatabases()).toBe(before);
  });
});

test.each([
  ['quotes', `O'Reilly "the" shop`],
  ['unicode', 'Café 東京 🐘'],
  ['SQL', "x'; DROP DATABASE postgres; --"],
])('a name with %s is text like any other', async (_, friendlyName) => {
  const database = await createDatabase(world, { friendlyName });

  expect(database.friendly_name).toBe(friendlyName);
  expect(await canLogin(database.connection_string)).toBe(true);
});

describe('the body as a whole', () => {
  test.each<[string, string, string, number]>([
    ['broken JSON', '{"friendlyName": ', 'application/json', 400],
    ['a list', '[]', 'application/json', 400],
    ['a string', '"text"', 'application/json', 400],
    ['another content type', 'friendlyName=x', 'text/plain', 415],
    ['XML', '<a/>', 'application/xml', 415],
  ])('%s is refused', async (_, rawBody, contentType, status) => {
    const answer = await api.post('/api/databases', undefined, {
      rawBody,
      headers: { 'content-type': contentType },
    });

    expect(answer.status).toBe(status);
    expect(answer.problem.detail).not.toBe('');
  });

  test('of 5 MB is refused', async () => {
    const body = databaseBody({ friendlyName: 'x'.repeat(5_000_000) });

    expect((await api.post('/api/databases', body)).status).toBe(413);
  });
});

describe('ids and queries', () => {
  test.each(['get', 'delete'] as const)(
    '%s names a bad id, and does not find an unknown one',
    async (verb) => {
      expect((await api[verb]('/api/databases/42')).expect(400).badFields).toEqual(['id']);
      expect((await api[verb](`/api/databases/${randomUUID()}`)).expect(404).problem.code).toBe('NOT_FOUND');
    },
  );

  test.each([
    ['cursor=nonsense', 'cursor'],
    ['limit=0', 'limit'],
    ['limit=1000', 'limit'],
    ['limit=ten', 'limit'],
    ['sort=size', 'sort'],
    ['status=happy', 'status'],
    ['colour=red', 'colour'],
    ['search=', 'search'],
    ['search=%00', 'search'],
  ])('a list refuses %s', async (query, field) => {
    expect((await api.get(`/api/databases?${query}`)).expect(400).badFields).toEqual([field]);
  });

  test('a cursor of another order is refused', async () => {
    await createDatabase(world);
    await createDatabase(world);
    const { nextCursor } = await api.get('/api/databases?limit=1&sort=friendly_name');

    expect((await api.get(`/api/databases?limit=1&cursor=${nextCursor}`)).expect(400).badFields).toEqual([
      'cursor',
    ]);
  });

  test('an unknown route is a problem too', async () => {
    const answer = await api.get('/api/nothing', { outsideContract: true });

    expect(answer.expect(404).problem).toMatchObject({ success: false, code: 'NOT_FOUND' });
  });
});

describe('two requests at once', () => {
  test('of two deletes one wins', async () => {
    const { id } = await createDatabase(world);

    const answers = await Promise.all([
      api.delete(`/api/databases/${id}`),
      api.delete(`/api/databases/${id}`),
    ]);

    const statuses = answers.map((answer) => answer.status).sort();
    expect(statuses[0]).toBe(200);
    expect([404, 409]).toContain(statuses[1]);
  });

  test('a delete while it is being created is refused, and possible afterwards', async () => {
    const body = databaseBody({ maxConnections: 4, extensions: ['hstore'] });
    const creating = (
      await api.post<{ subject_id: string }>('/api/databases', body, { prefer: 'respond-async' })
    ).expect(202);
    const id = creating.data.subject_id;

    const refused = await api.delete(`/api/databases/${id}`);
    expect(refused.status).toBe(409);
    expect(refused.problem).toMatchObject({ code: 'RESOURCE_BUSY', retryable: true });

    await until(
      'it is active',
      async () => (await api.get<Database>(`/api/databases/${id}`)).data.status === 'active',
    );
    (await api.delete(`/api/databases/${id}`)).expect(200);
  });
});

describe('while a server is down', () => {
  test.each(['postgres', 'pgbouncer'] as const)(
    'a create without %s is 503, and works again afterwards',
    async (part) => {
      const refused = await whileStopped(world, part, () => api.post('/api/databases', databaseBody()));
      expect(refused.status).toBe(503);
      expect(refused.problem).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryable: true });

      const database = await until('creates work again', async () => {
        const answer = await api.post<Database>('/api/databases', databaseBody());
        return answer.status === 201 && answer.data;
      });

      expect(await canLogin(database.connection_string)).toBe(true);
      await until('a first login through the pooler', () => canLogin(database.connection_string_pooled));
      await untilIdle(world);
    },
  );
});
