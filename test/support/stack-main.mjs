// A process that runs a local stack until it is killed: node stack-main.mjs <data directory>
import { startLocalStack } from '../../dist/stack/local-stack.js';

const stack = await startLocalStack({
  dataDir: process.argv[2],
  ports: 'free',
  publicHost: '127.0.0.1',
  durable: false,
  report: () => undefined,
});
process.send({ postgres: stack.postgres.pid, pgbouncer: stack.pgbouncer.pid, redis: stack.redis.pid });
