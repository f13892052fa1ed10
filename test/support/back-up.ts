import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { MongodProcess } from './mongod-process.ts';
import type { ReplicaSet } from './replica-set.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A copy of the data files of all members of a set, of one moment. Disposing removes it. */
export interface BackUp extends Disposable {
  /** Kills all members, replaces their data by the copy, and starts them. Resolves when the set has a primary. */
  restore(): Promise<void>;
}

/** Kills all members of a set, copies their data files, and starts them again. Resolves when the set has a primary. */
export async function backUp({ members, primary }: ReplicaSet): Promise<BackUp> {
  const folder = temporaryFolder('back-up');
  const copyOf = (member: MongodProcess) => join(folder.path, String(members.indexOf(member)));
  const whileDown = async (copy: (member: MongodProcess) => void) => {
    await Promise.all(members.map((member) => member.kill()));
    members.forEach(copy);
    await Promise.all(members.map((member) => member.restart()));
    await primary();
  };
  await whileDown((member) => cpSync(member.dataPath, copyOf(member), { recursive: true }));
  return {
    restore: () =>
      whileDown((member) => {
        rmSync(member.dataPath, { recursive: true });
        cpSync(copyOf(member), member.dataPath, { recursive: true });
      }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}
