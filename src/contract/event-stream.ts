/** One server-sent event, or a sign of life without one. */
export type StreamPart =
  | { readonly kind: 'event'; readonly id: string; readonly name: string; readonly data: string }
  | { readonly kind: 'comment' };

/**
 * Reads server-sent events from the body of an answer (HTML standard, "Interpreting an event stream"). `EventSource` can't send the header
 * of the console, so the page reads them itself.
 * @param body  bytes in UTF-8; lines end in a line feed, as this server writes them
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamPart, void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) yield partOf(block);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function partOf(block: string): StreamPart {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''));
  }
  const data = fields.get('data');
  if (data === undefined) return { kind: 'comment' };
  return { kind: 'event', id: fields.get('id') ?? '', name: fields.get('event') ?? 'message', data };
}
