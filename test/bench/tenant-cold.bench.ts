import { test } from 'vitest';
import { assertRatio } from './ratio.js';
import { compareTenants } from './tenant-creates.js';

test('create a 51-table tenant over the API, cold', async (context) => {
  const { measured, reference } = await compareTenants({ warmPoolSize: 0 });

  assertRatio(context, { measured, reference, unit: 'ms', limit: { kind: 'at most', value: 1.2 } });
});
