import { describe, test } from 'vitest';
import { startWorld } from '../support/world.js';
import { assertRatio, median, stopwatch } from './ratio.js';

const ROUNDS = 15;
const DEPTH = 500_000;
const NESTED = `{"a": ${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}`;
const FLAT = JSON.stringify({ a: 'x'.repeat(NESTED.length - 10) });

const world = await startWorld({ app: 'child' });
const url = `${world.app.url}/api/databases`;

describe.each([
  ['without a key', {}],
  ['with a key', { 'x-api-key': world.config.apiKey ?? '' }],
])('a megabyte of nested JSON %s', (_, key) => {
  test('against a flat body of its size', async (context) => {
    const send = (body: string) => () =>
      fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...key } }).then(
        (answer) => answer.text(),
      );
    await send(FLAT)();

    const measured: number[] = [];
    const reference: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      measured.push(await stopwatch(send(NESTED)));
      reference.push(await stopwatch(send(FLAT)));
    }

    assertRatio(context, {
      measured: median(measured),
      reference: median(reference),
      unit: 'ms',
      limit: { kind: 'at most', value: 3 },
    });
  });
});
