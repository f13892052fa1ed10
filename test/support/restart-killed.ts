import type { MongodProcess } from './mongod-process.ts';
import { mongodOfVersion } from './mongod-versions.ts';
import type { ReplicaSet } from './replica-set.ts';

/** mongod logs this before it ends, when it can't apply its own oplog after a kill. */
const RECOVERY_ENDED =
  /"Caught exception during replication recovery".*"codeName":"DuplicateKey".* collection: (\S+) index/;

/**
 * Starts a killed member again. When its version can't recover what it wrote during the conversion of a unique index
 * (docs/reference/mongodb-behaviour.md#fact-8-18), a newer release recovers it and is stopped cleanly, as an operator
 * would do it.
 * @returns whether that was necessary
 * @throws Error when it can't start for another reason
 */
export async function restartKilled(member: MongodProcess, { clientOf }: ReplicaSet): Promise<boolean> {
  try {
    await member.restart();
    return false;
  } catch (error) {
    const [, namespace] = RECOVERY_ENDED.exec(String(error)) ?? [];
    if (namespace === undefined) throw error;
    await member.restart(await mongodOfVersion('6.0.27'));
    await using client = clientOf(member);
    const [database = '', ...collection] = namespace.split('.');
    const conversion = {
      ns: `${database}.$cmd`,
      'o.collMod': collection.join('.'),
      'o.index.prepareUnique': true,
    };
    const converted = await client.db('local').collection('oplog.rs').countDocuments(conversion);
    if (converted === 0) throw error;
    await member.kill('SIGTERM');
    await member.restart();
    return true;
  }
}
