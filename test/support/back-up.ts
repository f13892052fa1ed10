import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import type { MongodProcess } from './mongod-process.ts';
import type { ReplicaSet } from './replica-set.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A copy of the data files of all members of a set, of one moment. Disposing removes it. */
export interface BackUp extends Disposable {
  /**
   * Kills all members, replaces their data by the copy, and starts them in a later second, as a real restore does: an entry
   * of the oplog is known by its second and its number in it. Resolves when the set has a primary.
   */
  restore(): Promise<void>;
}

/**
 * Stops all members of a set, copies their data files, and starts them again. Resolves when the set has a primary. A
 * clean stop ends with a checkpoint, so that each member can start from it (docs/reference/mongodb-behaviour.md#fact-8-18).
 */
export async function backUp({ members, primary }: ReplicaSet): Promise<BackUp> {
  const folder = temporaryFolder('back-up');
  const copyOf = (member: MongodProcess) => join(folder.path, String(members.indexOf(member)));
  const whileDown = async (signal: NodeJS.Signals, copy: (member: MongodProcess) => void) => {
    await Promise.all(members.map((member) => member.kill(signal)));
    const downSince = secondNow();
    members.forEach(copy);
    await eventually(() => secondNow() > downSince, { what: 'the next second' });
    await Promise.all(members.map((member) => member.restart()));
    await primary();
  };
  await whileDown('SIGTERM', (member) => cpSync(member.dataPath, copyOf(member), { recursive: true }));
  return {
    restore: () =>
      whileDown('SIGKILL', (member) => {
        rmSync(member.dataPath, { recursive: true });
        cpSync(copyOf(member), member.dataPath, { recursive: true });
      }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

function secondNow(): number {
  return Math.floor(Date.now() / 1_000);
}
