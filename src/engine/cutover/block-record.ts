import { type MongoClient, MongoServerError } from 'mongodb';
import { failpoint, messageOf } from '../../platform/index.ts';
import { operationTimeOf } from '../mongodb/cluster-time.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { BLOCK_RECORD } from '../mongodb/namespaces.ts';
import { isUnauthorized } from '../mongodb/unauthorized.ts';
import { type BlockShown, blockShown } from '../mongodb/write-block.ts';
import {
  type BlockReading,
  type BlockState,
  blockStateAfter,
  type Claim,
  type ClaimStep,
  NOTHING_KNOWN,
} from './block-history.ts';

/** The only document of the collection. */
interface BlockRecord extends BlockState {
  readonly _id: string;
  /** Counts the changes. Each change names the number that it was derived from. */
  readonly revision: number;
}

const NO_RECORD: BlockRecord = { _id: 'writeBlock', revision: 0, ...NOTHING_KNOWN };
const DUPLICATE_KEY = 11000;

/**
 * Adds a step of a claim to the record of a sharded source's block, acknowledged by the majority, and returns the
 * block's holder after it. Each step replaces the record that it was derived from, so that all engines see all steps in
 * one order, as they do in the oplog of a replica set.
 * @throws NotNow when the user may not read or write the record
 */
export async function recordStep(source: MongoClient, step: ClaimStep, claim: Claim): Promise<BlockReading> {
  while (true) {
    const { reading, revision } = await readRecord(source);
    const seconds = reading.upTo.getHighBits();
    const state = blockStateAfter([{ step, claim, seconds }], reading.state);
    await failpoint('engine.cutover.block-record-read');
    if (await replaceRecord(source, revision, state)) return { ...reading, state };
  }
}

/**
 * Reads the holder of a sharded source's block.
 * @throws NotNow when the user may not
 */
export async function readBlockRecord(source: MongoClient): Promise<BlockReading> {
  return (await readRecord(source)).reading;
}

/** Returns the state, and the revision of the record that it was derived from. */
async function readRecord(source: MongoClient): Promise<{ reading: BlockReading; revision: number }> {
  const filter = { _id: NO_RECORD._id };
  const find = { find: BLOCK_RECORD.name, filter, limit: 1, readConcern: { level: 'majority' } };
  const reply = await nameMissingPrivilege(source.db(BLOCK_RECORD.database).command(find));
  const { revision, block, holder }: BlockRecord = reply.cursor.firstBatch[0] ?? NO_RECORD;
  const upTo = operationTimeOf(reply, 'source');
  // Read at the record's time or later, and both are in one oplog: a block that was set before a step of the record is
  // shown.
  const shown = await blockShown(source, upTo);
  return { reading: { state: withBlock({ block, holder }, shown, upTo.getHighBits()), upTo }, revision };
}

/**
 * Adds the state of the block that the server shows. One that is being set or lifted counts as set for the claim in
 * effect.
 */
function withBlock(state: BlockState, shown: BlockShown, seconds: number): BlockState {
  const isKnown = state.block !== null;
  // rule: count-block-being-set
  const isSet = shown === 'set' || (shown === 'changing' && (isKnown || state.holder !== null));
  if (isSet === isKnown) return state;
  if (isSet) return blockStateAfter([{ step: 'set', seconds }], state);
  // The router may still repeat the lift of this claim, which lasts until its engine ends it, or for a minute.
  // rule: claim-until-lifted
  if (state.holder?.step === 'opening') return { ...state, block: null };
  return blockStateAfter([{ step: 'lifted', seconds }], state);
}

/** @returns false when another step came first */
async function replaceRecord(source: MongoClient, revision: number, state: BlockState): Promise<boolean> {
  const { _id } = NO_RECORD;
  const records = source.db(BLOCK_RECORD.database).collection<BlockRecord>(BLOCK_RECORD.name);
  try {
    const first = revision === NO_RECORD.revision;
    const record = { _id, revision: revision + 1, ...state };
    // rule: order-of-block-steps
    const replacing = records.replaceOne({ _id, revision }, record, { upsert: first });
    const { matchedCount, upsertedCount } = await nameMissingPrivilege(replacing);
    return matchedCount + upsertedCount === 1;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
}

/** @throws NotNow when the user lacks a privilege, which an administrator can grant meanwhile */
async function nameMissingPrivilege<T>(acting: Promise<T>): Promise<T> {
  return await acting.catch((error: unknown) => {
    if (!isUnauthorized(error)) throw error;
    const { database, name } = BLOCK_RECORD;
    throw new NotNow(
      `this migration's user may not keep the record of its write block (${messageOf(error)}). Grant it find, insert and update on ${database}.${name}`,
    );
  });
}
