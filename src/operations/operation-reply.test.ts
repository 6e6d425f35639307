import { expect, test } from 'vitest';
import type { Operation } from './operation.types.js';
import { toReply } from './operation-reply.js';

const succeeded = {
  id: '0199a2a4-6b0e-7c3a-9f43-0a4f7a0f5d11',
  state: 'succeeded',
  createdAt: new Date(),
  updatedAt: new Date(),
  deadlineAt: new Date(),
} as unknown as Operation;

const failing = (error: Error) => ({
  created: true,
  resource: () => Promise.reject(error),
  pending: () => ({ credentials: 'shown once' }),
});

test('what was made is no 503 when it cannot be read: the operation is told, with what is shown once', async () => {
  const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

  const reply = await toReply(succeeded, failing(away));

  expect(reply).toMatchObject({ status: 202, data: { state: 'succeeded', credentials: 'shown once' } });
});

test('another error of the reading is not hidden', async () => {
  await expect(toReply(succeeded, failing(new Error('boom')))).rejects.toThrow('boom');
});
