import { type MongoClient, MongoServerError } from 'mongodb';
import { reach } from '../../platform/index.ts';
import { operationTimeOf } from '../mongodb/cluster-time.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { BLOCK_RECORD } from '../mongodb/namespaces.ts';
import { type BlockShown, blockShown } from '../mongodb/write-block.ts';
import {
  type Block,
  type BlockReading,
  type BlockState,
  blockStateAfter,
  type Claim,
  type ClaimStep,
  type Holder,
} from './block-history.ts';

/** The only document of the collection. */
interface BlockRecord {
  readonly _id: string;
  /** Counts the changes. Each change names the number that it was derived from. */
  readonly revision: number;
  readonly block: StoredBlock | null;
  readonly holder: Holder | null;
}

/** A block as BSON has it. */
interface StoredBlock {
  readonly seconds: number;
  readonly setBy: string | null;
  readonly committedBy: string | null;
}

const ID = 'writeBlock';
const DUPLICATE_KEY = 11000;
const UNAUTHORIZED = 13;

/**
 * Adds a step of a claim to the record of a sharded source's block, acknowledged by the majority, and returns who holds
 * the block after it. Each step replaces the record that it was derived from, so that all engines see all steps in one
 * order, as they do in the oplog of a replica set.
 * @throws NotNow when the user may not read or write the record
 */
export async function recordStep(source: MongoClient, step: ClaimStep, claim: Claim): Promise<BlockReading> {
  while (true) {
    const { reading, revision } = await readRecord(source);
    const seconds = reading.upTo.getHighBits();
    const state = blockStateAfter([{ step, claim, seconds }], reading.state);
    await reach('engine.cutover.block-record-read');
    if (await replaceRecord(source, revision, state)) return { ...reading, state };
  }
}

/**
 * Reads who holds a sharded source's block.
 * @throws NotNow when the user may not
 */
export async function readBlockRecord(source: MongoClient): Promise<BlockReading> {
  return (await readRecord(source)).reading;
}

/** Returns the state, and the revision of the record that it was derived from; 0 without a record. */
async function readRecord(source: MongoClient): Promise<{ reading: BlockReading; revision: number }> {
  const find = { find: BLOCK_RECORD.name, filter: { _id: ID }, limit: 1, readConcern: { level: 'majority' } };
  const reply = await unlessUnauthorized(source.db(BLOCK_RECORD.database).command(find));
  const record: BlockRecord | undefined = reply.cursor.firstBatch[0];
  const upTo = operationTimeOf(reply, 'source');
  // Read at the record's time or later, and both are in one oplog: what was set before a step of the record is shown.
  const shown = await blockShown(source, upTo);
  const state = withBlock(stateIn(record), shown, upTo.getHighBits());
  return { reading: { state, upTo }, revision: record?.revision ?? 0 };
}

/** Adds what the server shows of its block. One that is being set or lifted counts as set for the claim in effect. */
function withBlock(state: BlockState, shown: BlockShown, seconds: number): BlockState {
  const isKnown = state.block !== undefined;
  // rule: count-block-being-set
  const isSet = shown === 'set' || (shown === 'changing' && (isKnown || state.holder !== undefined));
  if (isSet === isKnown) return state;
  if (isSet) return blockStateAfter([{ step: 'set', seconds }], state);
  // The router may still repeat the lift of this claim, which lasts until its engine ends it, or for a minute.
  // rule: claim-until-lifted
  if (state.holder?.step === 'opening') return { ...state, block: undefined };
  return blockStateAfter([{ step: 'lifted', seconds }], state);
}

/** @returns false when another step came first */
async function replaceRecord(source: MongoClient, revision: number, { block, holder }: BlockState): Promise<boolean> {
  const record: BlockRecord = {
    _id: ID,
    revision: revision + 1,
    block: stored(block),
    holder: holder ?? null,
  };
  const records = source.db(BLOCK_RECORD.database).collection<BlockRecord>(BLOCK_RECORD.name);
  try {
    const first = revision === 0;
    // rule: order-of-block-steps
    const replacing = records.replaceOne({ _id: ID, revision }, record, { upsert: first });
    const { matchedCount, upsertedCount } = await unlessUnauthorized(replacing);
    return matchedCount + upsertedCount === 1;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
}

/** @throws NotNow when the user lacks a privilege, which an administrator can grant meanwhile */
async function unlessUnauthorized<T>(acting: Promise<T>): Promise<T> {
  try {
    return await acting;
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== UNAUTHORIZED) throw error;
    const { database, name } = BLOCK_RECORD;
    throw new NotNow(
      `this migration's user may not keep the record of its write block (${error.message}). Grant it find, insert and update on ${database}.${name}`,
    );
  }
}

function stateIn(record: BlockRecord | undefined): BlockState {
  const holder = record?.holder ?? undefined;
  if (!record?.block) return { block: undefined, holder };
  const { seconds, setBy, committedBy } = record.block;
  return { block: { seconds, setBy: setBy ?? undefined, committedBy: committedBy ?? undefined }, holder };
}

function stored(block: Block | undefined): StoredBlock | null {
  if (block === undefined) return null;
  const { seconds, setBy = null, committedBy = null } = block;
  return { seconds, setBy, committedBy };
}
