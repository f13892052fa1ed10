import { randomBytes } from 'node:crypto';
import type { Document } from 'mongodb';
import { FixedSession } from '../../mongodb/fixed-session.ts';
import { described, eventsOf } from '../events.ts';
import type { TrialFact } from '../fact.ts';
import { entriesOf, shapes } from '../oplog.ts';
import { PROBE_DATABASE, type Scratch } from '../scratch.ts';
import { TRACES } from './expected-traces.ts';

/** Some work in a collection that exists, of which oplog and change streams keep a trace. */
interface Work {
  readonly what: string;
  readonly options?: Document;
  readonly documents?: readonly Document[];
  readonly act: (scratch: Scratch, name: string) => Promise<unknown>;
}

const THREE = [1, 2, 3].map((_id) => ({ _id }));

const WORKS: Readonly<Record<keyof typeof TRACES, Work>> = {
  INSERTS: {
    what: 'an insert of several documents',
    act: (scratch, name) => scratch.write({ insert: name, documents: THREE }),
  },
  NUMBERED_INSERTS: {
    what: 'a retryable insert of several documents',
    act: (scratch, name) => insertNumbered(scratch, name, THREE),
  },
  UPDATES: {
    what: 'an update and a replacement',
    documents: THREE,
    act: async (scratch, name) => {
      const updates = [
        { q: { _id: 1 }, u: { $set: { n: 1 } } },
        { q: { _id: 2 }, u: { n: 2 } },
      ];
      await scratch.write({ update: name, updates });
    },
  },
  DELETES: {
    what: 'a delete of several documents',
    documents: THREE,
    act: (scratch, name) => scratch.write({ delete: name, deletes: [{ q: {}, limit: 0 }] }),
  },
  APPLY_OPS: {
    what: 'an insert by the command applyOps',
    act: (scratch, name) =>
      scratch.write({ applyOps: [{ op: 'i', ns: `${PROBE_DATABASE}.${name}`, o: { _id: 1 } }] }, 'admin'),
  },
  CAPPED_DISCARDS: {
    what: 'a retryable insert into a capped collection that is full',
    options: { capped: true, size: 4_096, max: 2 },
    documents: THREE.slice(0, 2),
    act: (scratch, name) => insertNumbered(scratch, name, THREE.slice(2)),
  },
  CONVERSION: {
    what: 'convertToCapped',
    documents: THREE,
    act: (scratch, name) => scratch.write({ convertToCapped: name, size: 4_096 }),
  },
  CATALOG: {
    what: 'changes of indexes and options, a rename and a drop',
    act: async (scratch, name) => {
      await scratch.write({ createIndexes: name, indexes: [{ key: { n: 1 }, name: 'n' }] });
      await scratch.write({ collMod: name, index: { name: 'n', hidden: true } });
      await scratch.write({ dropIndexes: name, index: 'n' });
      const [from, to] = [name, `${name}_renamed`].map((one) => `${PROBE_DATABASE}.${one}`);
      await scratch.write({ renameCollection: from, to }, 'admin');
      await scratch.write({ drop: `${name}_renamed` });
    },
  },
  VIEW: {
    what: 'a view that is made, changed and dropped',
    act: async (scratch, name) => {
      await scratch.write({ create: `${name}_view`, viewOn: name, pipeline: [] });
      await scratch.write({ collMod: `${name}_view`, viewOn: name, pipeline: [{ $match: {} }] });
      await scratch.write({ drop: `${name}_view` });
    },
  },
  TIME_SERIES: {
    what: 'a measurement of a time series',
    options: { timeseries: { timeField: 'at', metaField: 'of' } },
    act: (scratch, name) => scratch.write({ insert: name, documents: [{ at: new Date(0), of: 1 }] }),
  },
};

/** The traces of some work in the oplog and in a change stream of the whole cluster. */
export const TRACE_FACTS: readonly TrialFact[] = Object.entries(WORKS).flatMap(([name, work]): TrialFact[] => {
  const { oplog, events } = TRACES[name as keyof typeof TRACES];
  const see = async (of: 'oplog' | 'events', scratch: Scratch) => {
    const collection = `${of}_${name.toLowerCase()}`;
    await scratch.write({ create: collection, ...work.options });
    if (work.documents) await scratch.write({ insert: collection, documents: work.documents });
    const act = () => work.act(scratch, collection);
    if (of === 'oplog') {
      const entries = await entriesOf(scratch, act);
      return { seen: shapes(entries), replies: entries };
    }
    const found = await eventsOf(scratch, act);
    return { seen: described(found), replies: found };
  };
  return [
    {
      name: `OPLOG_OF_${name}`,
      what: `the oplog of ${work.what}`,
      expected: oplog,
      meaning: 'Linkspan could overlook changes that no change stream shows.',
      endangersData: true,
      attempt: (scratch) => see('oplog', scratch),
    },
    {
      name: `EVENTS_OF_${name}`,
      what: `the change stream of ${work.what}`,
      expected: events,
      meaning: 'Linkspan could overlook changes, or not know to which collection they belong.',
      endangersData: true,
      attempt: (scratch) => see('events', scratch),
    },
  ];
});

async function insertNumbered(scratch: Scratch, name: string, documents: readonly Document[]): Promise<void> {
  const session = new FixedSession(scratch.client, randomBytes(16), 0n);
  await scratch.during(() => session.send(PROBE_DATABASE, { insert: name, documents }));
}
