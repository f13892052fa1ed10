import type { Readable } from 'node:stream';
import { type Holder, type Shares, UserError } from '../platform/index.ts';

/** Size of the first buffer of a body. */
const FIRST_BYTES = 1024;

export interface BodySource {
  readonly payload: Readable;
  /** The content-length of the head; undefined for a chunked body. */
  readonly announcedBytes: number | undefined;
  readonly limitBytes: number;
  readonly holder: Holder;
}

/**
 * Reads a body into one buffer that grows as bytes arrive, and counts the buffer against the holder's share until the body is complete. An
 * announced length takes no memory. A body that arrives byte by byte takes at most twice its size; a list of chunks would take a
 * hundred times as much.
 * @throws UserError PAYLOAD_TOO_LARGE, TOO_MANY_UNFINISHED_BODIES (this client), SERVER_BUSY (all clients), MALFORMED_REQUEST when the
 *   connection closes or the length differs from the announced one
 */
export async function readBytes(source: BodySource, shares: Shares): Promise<Buffer> {
  const { payload, announcedBytes, limitBytes, holder } = source;
  const tooLarge = () => new UserError('PAYLOAD_TOO_LARGE', [String(limitBytes)]);
  if (announcedBytes !== undefined && announcedBytes > limitBytes) throw tooLarge();
  let buffer = Buffer.alloc(0);
  let length = 0;

  const grow = (needed: number) => {
    const most = announcedBytes ?? limitBytes;
    const capacity = Math.min(most, Math.max(needed, FIRST_BYTES, buffer.length * 2));
    const exceeded = shares.take(holder, capacity - buffer.length);
    if (exceeded === 'total') throw new UserError('SERVER_BUSY');
    if (exceeded !== undefined) throw new UserError('TOO_MANY_UNFINISHED_BODIES', [holder[exceeded] ?? '']);
    const larger = Buffer.allocUnsafeSlow(capacity);
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
  };

  try {
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error) => {
        payload.off('data', take).off('end', settle).off('error', fail).off('close', cutOff);
        if (error) reject(error);
        else resolve();
      };
      const fail = () => settle(new UserError('MALFORMED_REQUEST'));
      const cutOff = fail;
      const take = (chunk: Buffer) => {
        try {
          const needed = length + chunk.length;
          if (needed > limitBytes) throw tooLarge();
          if (needed > buffer.length) grow(needed);
          chunk.copy(buffer, length);
          length = needed;
        } catch (error) {
          settle(error as Error);
        }
      };
      payload.on('data', take).once('end', settle).once('error', fail).once('close', cutOff);
    });
    if (announcedBytes !== undefined && announcedBytes !== length) throw new UserError('MALFORMED_REQUEST');
    return buffer.subarray(0, length);
  } finally {
    shares.release(holder, buffer.length);
  }
}
