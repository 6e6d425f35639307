import { test } from 'vitest';
import { assertRatio } from './ratio.js';
import { compareTenants } from './tenant-creates.js';

test('create a 51-table tenant over the API, warm', async (context) => {
  const { measured, reference } = await compareTenants({ warmPoolSize: 3 });

  assertRatio(context, { measured, reference, unit: 'ms', limit: { kind: 'at most', value: 0.1 } });
});
