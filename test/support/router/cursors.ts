import { valueIn } from './elements.ts';

/** Where a cursor is open, and the command that reads on. */
interface OpenCursor {
  readonly shard: string;
  readonly getMore: 'getMore' | 'clusterGetMore';
}

/** The open cursors of one router. */
export class Cursors {
  readonly #open = new Map<string, OpenCursor>();

  get(id: string): OpenCursor | undefined {
    return this.#open.get(id);
  }

  /** Takes the cursor of a shard's reply, if it left one open. @returns the reply */
  note(reply: Buffer, cursor: OpenCursor): Buffer {
    const id = cursorId(reply);
    if (id !== undefined && id !== '0') this.#open.set(id, cursor);
    return reply;
  }

  delete(id: string): void {
    this.#open.delete(id);
  }
}

/** Returns the cursor's id in a reply: `0` when the server has closed it, undefined when there is none. */
export function cursorId(reply: Buffer): string | undefined {
  const cursor = valueIn(reply, 'cursor');
  const id = cursor && valueIn(cursor, 'id');
  return id?.readBigInt64LE().toString();
}
