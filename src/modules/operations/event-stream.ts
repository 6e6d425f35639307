import { PassThrough, type Readable } from 'node:stream';
import { toOperationDto } from '../../operations/operation.dto.js';
import type { Operation } from '../../operations/operation.types.js';
import { hasEnded } from '../../operations/operation-state.js';

/** Proxies drop connections on which nothing moves, often after 30 or 60 s. */
const KEEP_ALIVE_MS = 15_000;

type Snapshots = AsyncIterable<Operation>;

/**
 * The server-sent events of an operation: `state` when its state is another than before, `progress` for any other
 * change, and a last `end`. `watch` is told by its signal when the client has left.
 */
export function toEventStream(watch: (signal: AbortSignal) => Snapshots): Readable {
  const stream = new PassThrough();
  const abort = new AbortController();
  const keepAlive = setInterval(() => stream.write(': keep-alive\n\n'), KEEP_ALIVE_MS);
  stream.once('close', () => {
    clearInterval(keepAlive);
    abort.abort();
  });
  send(watch(abort.signal), stream).catch((error: Error) => stream.destroy(error));
  return stream;
}

async function send(snapshots: Snapshots, stream: PassThrough): Promise<void> {
  let before: Operation | null = null;
  for await (const operation of snapshots) {
    stream.write(renderEvent(before?.state === operation.state ? 'progress' : 'state', operation));
    if (hasEnded(operation)) stream.write(renderEvent('end', operation));
    before = operation;
  }
  stream.end();
}

function renderEvent(type: 'state' | 'progress' | 'end', operation: Operation): string {
  return `event: ${type}\ndata: ${JSON.stringify(toOperationDto(operation))}\n\n`;
}
