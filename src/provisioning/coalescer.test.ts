import { expect, test } from 'vitest';
import { Coalescer } from './coalescer.js';

test('everybody who asks during a run shares the one run after it', async () => {
  const gates: (() => void)[] = [];
  const coalescer = new Coalescer(() => new Promise<void>((resolve) => gates.push(resolve)));

  const first = coalescer.run();
  const others = [coalescer.run(), coalescer.run(), coalescer.run()];
  gates[0]?.();
  await first;
  await Promise.resolve();
  gates[1]?.();
  await Promise.all(others);

  expect(gates).toHaveLength(2);
});

test('a failed run fails its askers only', async () => {
  let runs = 0;
  const coalescer = new Coalescer(async () => {
    runs += 1;
    if (runs === 1) throw new Error('first');
  });

  const first = coalescer.run();
  const second = coalescer.run();

  await expect(first).rejects.toThrow('first');
  await expect(second).resolves.toBeUndefined();
  expect(runs).toBe(2);
});
