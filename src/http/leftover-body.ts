import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

const MAX_BYTES = 16 * 1024 * 1024;
const MAX_MS = 2_000;

/**
 * Fastify closes the connection behind a body that it refused. A client that still writes would then see that its
 * connection broke, not the answer: so what is left is read and dropped for a moment first, within bounds.
 */
export function dropLeftovers(server: FastifyInstance): void {
  server.addHook('onSend', async (request, reply) => {
    if (reply.getHeader('connection') !== 'close') return;
    if (!request.raw.complete) await drop(request.raw);
    if (request.raw.complete) reply.removeHeader('connection');
  });
}

/** Ends with the body, with the connection, or at a bound. */
function drop(body: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const timer = setTimeout(resolve, MAX_MS);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    body.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) end();
    });
    body.on('end', end).on('close', end).on('error', end);
    body.resume();
  });
}
