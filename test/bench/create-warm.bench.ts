import { test } from 'vitest';
import { compareCreates } from './compare-creates.js';
import { assertRatio } from './ratio.js';

test('create a database over the API, warm, ready on both ports', async (context) => {
  const { measured, reference } = await compareCreates({ warmPoolSize: 3 });

  assertRatio(context, { measured, reference, unit: 'ms', limit: { kind: 'at most', value: 0.25 } });
});
