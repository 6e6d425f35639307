import type { Readable } from 'node:stream';
import { type StreamedEvent, streamEvents } from '../../http/event-stream.js';
import { toOperationDto } from '../../operations/operation.dto.js';
import type { Operation } from '../../operations/operation.types.js';
import { hasEnded } from '../../operations/operation-state.js';

type Snapshots = AsyncIterable<Operation>;

/**
 * The server-sent events of an operation: `state` when its state is another than before, `progress` for any other
 * change, and a last `end`. `watch` is told by its signal when the client has left.
 */
export function toEventStream(watch: (signal: AbortSignal) => Snapshots): Readable {
  return streamEvents((signal) => toEvents(watch(signal)));
}

async function* toEvents(snapshots: Snapshots): AsyncGenerator<StreamedEvent> {
  let before: Operation | null = null;
  for await (const operation of snapshots) {
    const data = toOperationDto(operation);
    yield { type: before?.state === operation.state ? 'progress' : 'state', data };
    if (hasEnded(operation)) yield { type: 'end', data };
    before = operation;
  }
}
