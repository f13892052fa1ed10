import { type Document, type MongoClient, Timestamp } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { type Side, UNREACHABLE } from './connect.ts';

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
function operationTimeOf(reply: Document, side: Side): Timestamp {
  if (reply.operationTime === undefined) throw new UserError(UNREACHABLE[side], ['it does not say its time yet']);
  return reply.operationTime;
}

/** A time at or after everything that the cluster has acknowledged: reads after it see that, whichever member answers. */
export async function latestTime(client: MongoClient, side: Side): Promise<Timestamp> {
  return operationTimeOf(await client.db('admin').command({ ping: 1 }), side);
}

/**
 * Writes an oplog note: it needs no privilege to write data, and works under the write block (§8.3, §8.9).
 * @returns a cluster time at or after the note
 */
async function noteInOplog(client: MongoClient, note: string): Promise<Timestamp> {
  const reply = await client.db('admin').command({ appendOplogNote: 1, data: { linkspan: note } });
  return operationTimeOf(reply, 'source');
}

/**
 * A barrier in the stream: everything that was acknowledged before this call precedes the returned time strictly.
 *
 * The reply to a note carries the latest operation, which may be a little later than the note and may be one of several
 * events of a transaction. The second note is later than all of that, so once a stream is at or past its time, it has
 * shown everything up to the first.
 */
export async function writeBarrier(client: MongoClient): Promise<Timestamp> {
  await noteInOplog(client, 'barrier');
  return await noteInOplog(client, 'barrier passed');
}
