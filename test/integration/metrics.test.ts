import { expect, test } from 'vitest';
import { startWorld } from '../support/world.js';

const world = await startWorld();

async function scrape(key: string | null) {
  const answer = await fetch(`${world.api.baseUrl}/metrics`, {
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
  });
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
}

function sampleOf(text: string, series: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return Number(line?.split(' ').at(-1));
}

test('tells when each certificate ends, what answers, and about the process, to a key that may', async () => {
  const { status, type, text } = await scrape(world.config.apiKey);

  expect(status).toBe(200);
  expect(type).toContain('text/plain');
  for (const endpoint of ['postgres', 'pgbouncer']) {
    const end = sampleOf(
      text,
      text.match(
        new RegExp(`^rowhouse_certificate_expiry_timestamp_seconds\\{endpoint="${endpoint}"[^}]*\\}`, 'm'),
      )?.[0] ?? '',
    );
    expect(end).toBeGreaterThan(Date.now() / 1000);
  }
  expect(sampleOf(text, 'rowhouse_up{part="control database"}')).toBe(1);
  expect(sampleOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
});

test('is for keys with its scope only', async () => {
  const make = async (scopes: string[]) => {
    const { data } = await world.api.post('/api/api-keys', { name: 'scrape', scopes });
    return (data as { key: string }).key;
  };

  expect(await scrape(null)).toMatchObject({ status: 401 });
  expect(await scrape(await make(['servers:read']))).toMatchObject({ status: 403 });
  expect(await scrape(await make(['metrics:read']))).toMatchObject({ status: 200 });
});

test('a part that is away is a 0, and the rest is told all the same', async () => {
  await world.stack.pgbouncer.stop();
  const { text } = await scrape(world.config.apiKey);
  await world.stack.pgbouncer.start();

  expect(sampleOf(text, 'rowhouse_up{part="pooler of default"}')).toBe(0);
  expect(sampleOf(text, 'rowhouse_up{part="server default"}')).toBe(1);
});
