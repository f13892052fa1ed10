import type { Document, Timestamp } from 'mongodb';
import { runsOf } from './events.ts';
import { PROBE_DATABASE, type Scratch } from './scratch.ts';

/** Returns the oplog's entries of the probe's database since a time, as the primary has them. */
export async function entriesOf(scratch: Scratch, work: () => Promise<unknown>): Promise<readonly Document[]> {
  const { operationTime } = await scratch.read({ ping: 1 }, 'admin');
  await work();
  const { cursor } = await scratch.read(
    {
      find: 'oplog.rs',
      filter: {
        ts: { $gt: operationTime as Timestamp },
        $or: [{ ns: { $regex: `^${PROBE_DATABASE}\\.` } }, { 'o.applyOps.ns': { $regex: `^${PROBE_DATABASE}\\.` } }],
      },
      sort: { $natural: 1 },
      batchSize: 100,
      singleBatch: true,
    },
    'local',
  );
  return cursor.firstBatch;
}

/**
 * Describes entries in order: the operation or command, and the fields that tell the engine whether streams show it.
 */
export function shapes(entries: readonly Document[]): string {
  return runsOf(entries.map(shapeOf)) || 'no entry';
}

function shapeOf({ op, o, lsid, txnNumber, fromMigrate, multiOpType }: Document): string {
  const marks = [
    ...(txnNumber !== undefined ? ['numbered'] : lsid !== undefined ? ['with session'] : []),
    ...(fromMigrate === true ? ['fromMigrate'] : []),
    ...(multiOpType === undefined ? [] : [`multiOpType ${multiOpType}`]),
  ];
  const inside = Array.isArray(o.applyOps) ? ` of ${runsOf(o.applyOps.map(({ op: one }: Document) => one))}` : '';
  const name = op === 'c' ? `${Object.keys(o)[0]}${inside}` : op;
  return marks.length === 0 ? name : `${name} (${marks.join(', ')})`;
}
