import type { TrialFact } from '../fact.ts';
import type { Scratch } from '../scratch.ts';

/** A note in the oplog, and the write block, which both mark a cutover. */
export const CUTOVER_FACTS: readonly TrialFact[] = [
  {
    name: 'OPLOG_NOTE',
    what: 'a note in the oplog (appendOplogNote), acknowledged by the majority',
    expected: () => ['noted, with its time'],
    meaning: 'Linkspan could not tell how far a stream is, so no migration from such a server would begin.',
    attempt: async (scratch) => {
      const { operationTime } = await scratch.write({ appendOplogNote: 1, data: { linkspan: 'probe' } }, 'admin');
      return { seen: operationTime === undefined ? 'noted, without a time' : 'noted, with its time' };
    },
  },
  {
    name: 'WRITE_BLOCK',
    what: 'the write block, set and lifted, by serverStatus.repl.userWriteBlockMode',
    expected: () => ['1, then 2, then 1'],
    meaning: 'Linkspan could take a source for blocked that is not, or leave it blocked.',
    endangersData: true,
    stopsUsers: true,
    attempt: async (scratch) => {
      const before = await modeOf(scratch);
      if (before === 2) throw new Error('writes are blocked already');
      const during = await scratch.whileBlocked(() => modeOf(scratch));
      return { seen: `${before}, then ${during}, then ${await modeOf(scratch)}` };
    },
  },
];

async function modeOf(scratch: Scratch): Promise<unknown> {
  const command = { serverStatus: 1, metrics: 0, tcmalloc: 0, wiredTiger: 0, locks: 0 };
  return (await scratch.read(command, 'admin')).repl?.userWriteBlockMode;
}
