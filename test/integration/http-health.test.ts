import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { until } from '../support/until.js';
import { startWorld } from '../support/world.js';

const world = await startWorld();
/** Whoever asks does not wait for ever. */
const PATIENCE_MS = 30_000;

interface Readiness {
  status: string;
  parts: {
    name: string;
    status: string;
    needed: boolean;
    latency_ms: number | null;
    reason: string | null;
  }[];
  certificates: { endpoint: string; status: string; issuer: string | null; serial: string | null }[];
}

async function readiness() {
  const answer = await fetch(`${world.api.baseUrl}/health/ready`, {
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const text = await answer.text();
  const body = JSON.parse(text) as Readiness;
  return {
    code: answer.status,
    text,
    certificates: body.certificates,
    states: Object.fromEntries(body.parts.map(({ name, status }) => [name, status])),
  };
}

test('health is open and answers just this', async () => {
  const answer = await fetch(`${world.api.baseUrl}/health`);

  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ status: 'ok', timestamp: expect.any(String), environment: 'test' });
});

describe('the root', () => {
  test('is open and tells where things are, which are there', async () => {
    const answer = await world.api.get<Record<string, string>>('/', { key: null });

    expect(answer.status).toBe(200);
    expect(answer.headers.get('ratelimit-limit')).not.toBeNull();
    const { name, api, ...places } = answer.body as unknown as Record<string, string>;
    expect({ name, api }).toEqual({ name: 'rowhouse', api: '/api' });
    for (const place of Object.values(places))
      expect((await fetch(world.api.baseUrl + place)).status).toBe(200);
  });

  test('leads browsers to the documentation', async () => {
    const headers = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' };
    const answer = await fetch(`${world.api.baseUrl}/`, { headers, redirect: 'manual' });

    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/docs']);
  });
});

describe('readiness', () => {
  test('names every part that answers', async () => {
    expect(await readiness()).toMatchObject({
      code: 200,
      states: { 'control database': 'up', 'server default': 'up', 'pooler of default': 'up', redis: 'up' },
    });
  });

  test('shows the certificate that both ports serve, and that the API serves none', async () => {
    const { certificates } = await readiness();
    const [direct] = certificates;

    const shown = { status: 'ok', issuer: expect.stringMatching(/^CN=Rowhouse CA/), serial: direct?.serial };
    expect(certificates).toMatchObject([
      { endpoint: 'postgres', ...shown },
      { endpoint: 'pgbouncer', ...shown },
      { endpoint: 'api', status: 'off', serial: null },
    ]);
  });

  test('does not need Redis', async () => {
    await world.stack.redis?.stop();
    const without = await readiness();
    await world.stack.redis?.start();

    expect(without).toMatchObject({ code: 200, states: { redis: 'down' } });
    await until('Redis is back', async () => (await readiness()).states['redis'] === 'up');
  });

  test('needs the pooler, tells no host or port, and recovers', async () => {
    await world.stack.pgbouncer.stop();
    const without = await readiness();
    await world.stack.pgbouncer.start();

    expect(without).toMatchObject({
      code: 503,
      states: { 'pooler of default': 'down', 'server default': 'up' },
    });
    expect(without.text).not.toMatch(/127\.0\.0\.1|:\d{4,5}\b(?!")/);
    await until('the pooler is back', async () => (await readiness()).code === 200);
  });

  test('needs PostgreSQL, says so without it, and recovers', async () => {
    await world.stack.postgres.stop();
    const without = await readiness();
    await world.stack.postgres.start();

    expect(without).toMatchObject({
      code: 503,
      states: { 'server default': 'down', 'control database': 'down' },
    });
    await until('PostgreSQL is back', async () => (await readiness()).code === 200, { timeoutMs: 30_000 });
  });
});

test('the CA certificate is open, and is one', async () => {
  const answer = await fetch(`${world.api.baseUrl}/api/ca-certificate`);

  expect(answer.headers.get('content-type')).toContain('application/x-pem-file');
  expect(new X509Certificate(await answer.text()).ca).toBe(true);
});
