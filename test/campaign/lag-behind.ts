import { setTimeout as delay } from 'node:timers/promises';
import type { Document } from 'mongodb';
import { eventually } from '../support/eventually.ts';
import type { ReplicaSet } from '../support/replica-set.ts';

const DEADLINE_MS = 60_000;

/** Elects a secondary that does not learn the majority's position: for a while its majority reads return an old state. */
export async function lagBehind(set: ReplicaSet, lastsMs: number): Promise<void> {
  const primary = await set.primary();
  const next = set.members.find((member) => member !== primary);
  if (next === undefined) throw new Error('a secondary is missing');
  const onNext = async (command: Document) => {
    await using client = set.clientOf(next);
    return await client.db('admin').command(command);
  };
  const learn = (mode: 'alwaysOn' | 'off') => onNext({ configureFailPoint: 'disableSnapshotting', mode });
  await learn('alwaysOn');
  try {
    await delay(lastsMs / 2);
    // A busy member may lose an election.
    const stepUp = () => onNext({ replSetStepUp: 1 });
    await eventually(stepUp, { what: 'an election', deadlineMs: DEADLINE_MS });
    const elected = async () => (await onNext({ hello: 1 })).isWritablePrimary;
    await eventually(elected, { what: 'the new primary', deadlineMs: DEADLINE_MS });
    await delay(lastsMs / 2);
  } finally {
    await eventually(() => learn('off'), { what: 'the end of the lag', deadlineMs: DEADLINE_MS });
  }
}
