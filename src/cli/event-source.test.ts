import { expect, test } from 'vitest';
import { readEvents } from './event-source.js';

test('reads events however they are cut, and leaves comments out', async () => {
  const text = ': keep-alive\n\nevent: state\ndata: {"a":1}\n\nevent: end\ndata: {"ä":2}\n\n';
  const bytes = new TextEncoder().encode(text);
  const stream = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });

  const events = [];
  for await (const event of readEvents(new Response(stream))) events.push(event);

  expect(events).toEqual([
    { type: 'state', data: '{"a":1}' },
    { type: 'end', data: '{"ä":2}' },
  ]);
});
