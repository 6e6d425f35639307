import type { FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { loadConfig } from '../config/load-config.js';
import type { AddressBans } from './address-bans.js';
import type { HitCounters } from './hit-counters.js';
import { KeyFailures } from './key-failures.js';

const MAX_DELAYED = 50;

test('holds only so many failures back, and answers the others at once', async () => {
  const counters = { addExactly: async () => ({ hits: 19, secondsLeft: 60 }) } as unknown as HitCounters;
  const failures = new KeyFailures(loadConfig({}), counters, {} as AddressBans);
  const request = { ip: '203.0.113.5', id: 'r' } as FastifyRequest;
  let ended = 0;
  const note = async () => {
    await failures.note(request);
    ended += 1;
  };

  const held = Array.from({ length: MAX_DELAYED }, note);
  await Promise.all(Array.from({ length: 10 }, note));

  expect(ended).toBe(10);
  await Promise.all(held);
});
