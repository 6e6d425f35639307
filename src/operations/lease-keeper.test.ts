import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LeaseKeeper } from './lease-keeper.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

function keep(renew: () => Promise<boolean>, remainingMs = 60_000): LeaseKeeper {
  return new LeaseKeeper({ leaseMs: 3_000, grantedAt: performance.now(), remainingMs, renew });
}

test('keeps the lease as long as it is renewed', async () => {
  const renew = vi.fn(async () => true);
  const keeper = keep(renew);

  await vi.advanceTimersByTimeAsync(10_000);

  expect(renew).toHaveBeenCalledTimes(10);
  expect(keeper.stopReason).toBeNull();
  expect(keeper.mayWrite).toBe(true);
  keeper.close();
});

test('stops the work when somebody else has the lease', async () => {
  const keeper = keep(async () => false);

  await vi.advanceTimersByTimeAsync(1_000);

  expect((await keeper.stopped).reason).toBe('lease-lost');
  expect(keeper.signal.aborted).toBe(true);
  keeper.close();
});

test('survives missed renewals until the lease runs out', async () => {
  const keeper = keep(async () => {
    throw new Error('the control database is away');
  });

  await vi.advanceTimersByTimeAsync(2_900);
  expect(keeper.mayWrite).toBe(true);
  await vi.advanceTimersByTimeAsync(200);

  expect(keeper.stopReason).toBe('lease-lost');
  expect(keeper.mayWrite).toBe(false);
  keeper.close();
});

test('stops the work at the deadline and still lets its end be written', async () => {
  const keeper = keep(async () => true, 4_500);

  await vi.advanceTimersByTimeAsync(5_000);

  expect(keeper.stopReason).toBe('deadline');
  expect(keeper.mayWrite).toBe(true);
  keeper.close();
});

test('leaves no timer behind, also when a renewal is under way', async () => {
  let answer: (renewed: boolean) => void = () => undefined;
  const keeper = keep(() => new Promise((resolve) => (answer = resolve)));
  await vi.advanceTimersByTimeAsync(1_000);

  keeper.close();
  answer(true);
  await vi.advanceTimersByTimeAsync(0);

  expect(vi.getTimerCount()).toBe(0);
});
