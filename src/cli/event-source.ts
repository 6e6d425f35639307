export interface ServerEvent {
  readonly type: string;
  readonly data: string;
}

/** The server-sent events of an answer, until it ends. */
export async function* readEvents(answer: Response): AsyncGenerator<ServerEvent, void, undefined> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event) yield event;
    }
  }
}

/** Null for a comment, which only keeps the connection alive. */
function parseEvent(block: string): ServerEvent | null {
  const fields = block.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line));
  const valuesOf = (name: string) => fields.flatMap((field) => (field?.[1] === name ? [field[2] ?? ''] : []));
  const data = valuesOf('data');
  return data.length > 0 ? { type: valuesOf('event')[0] ?? 'message', data: data.join('\n') } : null;
}
