import { expect, test } from 'vitest';
import { FailureBudget } from './failure-budget.js';

const tenant = { name: 'shop (tenant_0007)', ring: 1 };

test('bears as many failures as it may, and names the one that was too many', () => {
  const budget = new FailureBudget({ maxFailures: 1 }, 0);

  expect(budget.fail(tenant, 'no')).toBeNull();
  const error = budget.fail(tenant, 'relation "x" does not exist');

  expect(error?.code).toBe('TOO_MANY_FAILURES');
  expect(error?.message).toContain('shop (tenant_0007): relation "x" does not exist. Mend it');
  expect(budget.fail(tenant, 'It was dropped by hand.')?.message).toContain('by hand. Mend it');
});

test('counts what failed before the process that ran it died', () => {
  expect(new FailureBudget({ maxFailures: 3 }, 3).fail(tenant, 'no')?.code).toBe('TOO_MANY_FAILURES');
});

test('bears no failure of a canary', () => {
  const error = new FailureBudget({ maxFailures: 100 }, 0).fail({ ...tenant, ring: 0 }, 'no');

  expect(error?.code).toBe('CANARY_FAILED');
});
