import { PassThrough, type Readable } from 'node:stream';

/** Proxies drop connections on which nothing moves, often after 30 or 60 s. */
const KEEP_ALIVE_MS = 15_000;

/** One server-sent event; its data is sent as JSON. */
export interface StreamedEvent {
  readonly type: string;
  readonly data: object;
}

/** Sends events until there are no more. `watch` is told by its signal when the client has left. */
export function streamEvents(watch: (signal: AbortSignal) => AsyncIterable<StreamedEvent>): Readable {
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

async function send(events: AsyncIterable<StreamedEvent>, stream: PassThrough): Promise<void> {
  for await (const { type, data } of events) {
    stream.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }
  stream.end();
}
