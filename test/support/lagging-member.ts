import type { Document } from 'mongodb';
import { eventually } from './eventually.ts';
import type { MongodProcess } from './mongod-process.ts';
import type { ReplicaSet } from './replica-set.ts';

const DEADLINE_MS = 60_000;

/**
 * A member that does not learn the majority's position, as can happen to any member for a moment. It has every write, but its majority reads
 * return the state at the beginning of the lag, even when it is primary.
 */
export interface LaggingMember extends AsyncDisposable {
  /** Makes it the primary. */
  elect(): Promise<void>;
  /** Whether a read or a write of that collection waits there for a later state. */
  isAskedFor(collection: string): Promise<boolean>;
  /** Ends the lag. */
  catchUp(): Promise<void>;
}

/** Makes a secondary lag behind. @param seen  whether its majority reads show the state in which it has to stay */
export async function lagBehind(
  set: ReplicaSet,
  seen: (read: (database: string, collection: string) => Promise<number>) => Promise<boolean>,
): Promise<LaggingMember> {
  const primary = await set.primary();
  const member = set.members.find((one) => one !== primary);
  if (member === undefined) throw new Error('the set has no secondary');
  const majorityCount = async (database: string, collection: string) => {
    const count = { count: collection, readConcern: { level: 'majority' } };
    await using client = set.clientOf(member);
    return (await client.db(database).command(count, { readPreference: 'secondaryPreferred' })).n;
  };
  await eventually(() => seen(majorityCount), {
    what: 'the secondary to see the first state',
  });
  await onMember(set, member, { configureFailPoint: 'disableSnapshotting', mode: 'alwaysOn' });
  const catchUp = async () => {
    await onMember(set, member, { configureFailPoint: 'disableSnapshotting', mode: 'off' });
  };
  return {
    elect: async () => {
      await eventually(() => onMember(set, member, { replSetStepUp: 1 }), {
        what: 'its election',
      });
      const isPrimary = async () => (await onMember(set, member, { hello: 1 })).isWritablePrimary;
      await eventually(isPrimary, { what: 'the new primary' });
    },
    isAskedFor: async (collection) => {
      const { inprog } = await onMember(set, member, {
        currentOp: 1,
        $or: [{ 'command.find': collection }, { 'command.update': collection }],
      });
      return inprog.some(({ command }: Document) => command.update ?? command.readConcern?.afterClusterTime);
    },
    catchUp,
    [Symbol.asyncDispose]: () => catchUp().catch(() => undefined),
  };
}

/** Stops the replication of all secondaries until disposal. */
export async function isolatePrimary(set: ReplicaSet): Promise<AsyncDisposable> {
  const primary = await set.primary();
  const others = set.members.filter((member) => member !== primary);
  const failPoint = { configureFailPoint: 'stopReplProducer' };
  for (const member of others) {
    const { count } = await onMember(set, member, { ...failPoint, mode: 'alwaysOn' });
    const entered = { waitForFailPoint: 'stopReplProducer', timesEntered: count + 1, maxTimeMS: DEADLINE_MS };
    await onMember(set, member, entered);
  }
  return {
    [Symbol.asyncDispose]: async () => {
      for (const member of others) await onMember(set, member, { ...failPoint, mode: 'off' });
    },
  };
}

async function onMember(set: ReplicaSet, member: MongodProcess, command: Document): Promise<Document> {
  await using client = set.clientOf(member);
  return await client.db('admin').command(command);
}
