import { type MongoClient, Timestamp } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { UNREACHABLE } from './connect.ts';
import { isSharded } from './sharding.ts';
import type { Side } from './side.ts';

/** Whether `a` is before `b`. */
export function isBefore(a: Timestamp, b: Timestamp): boolean {
  return a.lessThan(b);
}

/** Returns the latest time before a time. */
export function justBefore(time: Timestamp): Timestamp {
  return new Timestamp(time.toBigInt() - 1n);
}

/**
 * Returns the cluster time inside a resume token. `_data` is a key string in hexadecimal: the type byte 0x82, then the
 * 8 bytes of a timestamp, most significant first (server source, resume_token.cpp; tried on 6.0.5).
 */
export function timeOfToken(token: { readonly _data: string }): Timestamp {
  if (!token._data.startsWith('82'))
    throw new RangeError(`Resume token of an unknown form: ${token._data.slice(0, 20)}`);
  return new Timestamp(BigInt(`0x${token._data.slice(2, 18)}`));
}

/**
 * Returns the time of the member's latest operation when it answered.
 * @throws UserError SOURCE_/DESTINATION_UNREACHABLE, which is transient: a server that is starting or shutting down may
 * omit the time
 */
export function operationTimeOf(reply: { readonly operationTime?: Timestamp | undefined }, side: Side): Timestamp {
  if (reply.operationTime === undefined) throw new UserError(UNREACHABLE[side], ["it doesn't report its time yet"]);
  return reply.operationTime;
}

/**
 * After this time the engine asks the source again, and reports the wait: a set without its majority accepts notes but
 * doesn't acknowledge them.
 */
const ACKNOWLEDGED_WITHIN_MS = 10_000;

/**
 * Writes a barrier for the stream. Everything acknowledged before this call is strictly earlier than the returned time,
 * so a stream that has reached that time has shown it (docs/adr/0004-barriers.md).
 *
 * The barrier is a note in the oplog, which needs no privilege to write data and works under the write block. The
 * majority acknowledges it, whatever the source's default write concern is: a former primary can't get that, and a note
 * that is rolled back is no barrier.
 */
export async function writeBarrier(client: MongoClient): Promise<Timestamp> {
  const time = await writeNote(client);
  // rule: barrier-on-idle-shards
  if (isSharded(client)) await passOnIdleServers(client, time);
  return time;
}

async function writeNote(client: MongoClient): Promise<Timestamp> {
  const writeConcern = { w: 'majority', wtimeout: ACKNOWLEDGED_WITHIN_MS };
  // rule: barrier-by-majority
  const reply = await client.db('admin').command({ appendOplogNote: 1, data: { linkspan: 'barrier' }, writeConcern });
  return operationTimeOf(reply, 'source');
}

/**
 * Makes the servers of a sharded cluster pass a time, on which a router's stream waits. Each shard has a note of its
 * own, and that of an idle shard may be earlier; a second one is later. The config server gets no notes, and writes an
 * entry when it is asked for a state that it hasn't reached.
 */
async function passOnIdleServers(client: MongoClient, time: Timestamp): Promise<void> {
  const readConcern = { level: 'majority', afterClusterTime: time };
  const read = { find: 'shards', projection: { _id: 1 }, limit: 1, readConcern };
  // rule: barrier-on-config-server
  await Promise.all([writeNote(client), client.db('config').command(read)]);
}
