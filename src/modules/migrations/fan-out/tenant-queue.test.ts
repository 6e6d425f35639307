import { expect, test } from 'vitest';
import type { TenantHome } from '../../../provisioning/tenancy/schemas/tenant-home.js';
import { MAX_PER_HOST, type QueuedTenant, TenantQueue } from './tenant-queue.js';

let clock = 0;

function tenants(databaseName: string, count: number): QueuedTenant[] {
  return Array.from({ length: count }, (_, at) => ({
    home: { id: `${databaseName}-${at}`, databaseName } as TenantHome,
    ring: 1,
    version: 0,
    attempts: 0,
  }));
}

function queueOf(...groups: QueuedTenant[][]): TenantQueue {
  clock = 0;
  return new TenantQueue(groups.flat(), () => clock);
}

test('a worker stays in its database until nothing is left there', () => {
  const queue = queueOf(tenants('a', 1), tenants('b', 2));

  const taken = ['b', 'b', 'a'].map(
    (at, step) => queue.take(step === 0 ? null : at === 'a' ? 'b' : at)?.home.id,
  );

  expect(taken).toEqual(['b-0', 'b-1', 'a-0']);
  expect(queue.take('a')).toBeNull();
});

test('no more workers go to one database than may be there', () => {
  const queue = queueOf(tenants('a', 20), tenants('b', 1));

  const first = Array.from({ length: MAX_PER_HOST + 2 }, () => queue.take(null)?.home.databaseName);

  expect(first).toEqual([...Array(MAX_PER_HOST).fill('a'), 'b', undefined]);
  queue.leave('a');
  expect(queue.take(null)?.home.databaseName).toBe('a');
});

test('a postponed tenant comes back when it is due, and others do not wait for it', () => {
  const [first, second] = tenants('a', 2);
  const queue = queueOf([first, second] as QueuedTenant[]);
  const taken = queue.take(null) as QueuedTenant;

  queue.postpone(taken, 100);

  expect(queue.take('a')).toBe(second);
  expect(queue.take('a')).toBeNull();
  clock = 100;
  expect(queue.take('a')).toBe(first);
  expect(queue.isDone).toBe(false);
  queue.settle();
  queue.settle();
  expect(queue.isDone).toBe(true);
});
