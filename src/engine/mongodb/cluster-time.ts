import { type MongoClient, Timestamp } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { UNREACHABLE } from './connect.ts';
import type { Side } from './side.ts';

/** Whether `a` is before `b`. */
export function isBefore(a: Timestamp, b: Timestamp): boolean {
  return a.lessThan(b);
}

/**
 * The cluster time inside a resume token: `_data` is a key string in hexadecimal that begins with the type byte 0x82 and the
 * 8 bytes of a timestamp, most significant first (server source, resume_token.cpp; tried on 6.0.5).
 */
export function timeOfToken(token: { readonly _data: string }): Timestamp {
  if (!token._data.startsWith('82'))
    throw new RangeError(`Resume token of an unknown form: ${token._data.slice(0, 20)}`);
  return new Timestamp(BigInt(`0x${token._data.slice(2, 18)}`));
}

/**
 * The member's latest operation when it answered.
 * @throws UserError SOURCE_/DESTINATION_UNREACHABLE, which is transient: a server that has just started, or is about to end, may not say
 */
export function operationTimeOf(reply: { readonly operationTime?: Timestamp | undefined }, side: Side): Timestamp {
  if (reply.operationTime === undefined) throw new UserError(UNREACHABLE[side], ['it does not say its time yet']);
  return reply.operationTime;
}

/** The source is asked again after this, and whoever waits sees why: a set without its majority takes notes without an answer. */
const ACKNOWLEDGED_WITHIN_MS = 10_000;

/**
 * A barrier in the stream: everything that was acknowledged before this call precedes the returned time strictly, so a stream that has come to
 * that time has shown it (docs/adr/0004-barriers.md).
 *
 * It is a note in the oplog, which needs no privilege to write data and works under the write block. The majority acknowledges it, whatever the
 * source's default is: a former primary can't have that, and a note that is rolled back is no barrier.
 */
export async function writeBarrier(client: MongoClient): Promise<Timestamp> {
  const writeConcern = { w: 'majority', wtimeout: ACKNOWLEDGED_WITHIN_MS };
  const reply = await client.db('admin').command({ appendOplogNote: 1, data: { linkspan: 'barrier' }, writeConcern });
  return operationTimeOf(reply, 'source');
}
