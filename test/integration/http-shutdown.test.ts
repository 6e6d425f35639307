import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startWorld } from '../support/world.js';

const LONGEST_SHUTDOWN_MS = 20_000;

const world = await startWorld();

test(
  'a client that connected and never asks does not hold up the shutdown',
  async () => {
    const { port } = new URL(world.app.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');

    const closed = once(socket, 'close').then(() => 'closed');
    await world.app.stop();

    expect(await closed).toBe('closed');
  },
  LONGEST_SHUTDOWN_MS,
);
