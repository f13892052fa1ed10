import assert from 'node:assert/strict';
import type { LeaderProgress } from '../../src/sync/index.ts';
import { startApplications } from './applications.ts';
import { SoakEngine } from './engine.ts';
import type { Soak } from './soak.ts';

/** To the destination, back, and there again. */
const TURNS = 3;
/** Documents that applications write on a side before they leave it. */
const WRITTEN_PER_TURN = 1_000;

/**
 * Cuts over under writes, fails back under writes, and cuts over again after the last write: each side of a capped collection discards by
 * itself, so both are the same only in a cutover, which compares them.
 */
export async function cutOver(soak: Soak): Promise<string> {
  const { folder, servers, record } = soak;
  const { state } = folder;
  const { source, destination } = servers.pair;
  await using engine = await SoakEngine.start(soak);
  record.look = () => engine.figures(destination.client);
  // Before that, the destination may still accept writes.
  await engine.until('the migration to be ready', ({ canCommit, state: now }) => canCommit || now === 'COMMITTED');
  await using applications = await startApplications(servers, ['source', 'destination'], state.seed + state.turns);
  while (state.turns < TURNS) {
    const from = applications.written;
    await engine.until('writes of the applications', () => applications.written > from + WRITTEN_PER_TURN);
    if (state.turns === TURNS - 1) await applications.stop();
    await engine.until(`cutover ${state.turns + 1}`, async (progress) => {
      if (progress.state === 'RUNNING' && progress.canCommit) await engine.call('commit');
      if (progress.state !== 'COMMITTED') return false;
      if (reversals(progress) === state.turns % 2) return true;
      if (progress.linkspan?.failback?.ready) await engine.call('reverse');
      return false;
    });
    state.turns += 1;
    folder.save();
    console.log(`cutover ${state.turns} of ${TURNS}`);
  }
  const { pausesMs, documentsWritten } = await applications.stop();
  record.add({ pausesMs });
  for (const { client, name } of [source, destination])
    assert.deepEqual(await applications.missingOn(client), [], `acknowledged writes are missing on ${name}`);
  const pauses = pausesMs.map((ms) => `${Math.round(ms)} ms`).join(' and ');
  return `${TURNS} cutovers, write pauses ${pauses}, ${documentsWritten} documents written meanwhile`;
}

/** Returns 0 when the direction is that of the first cutover, 1 when it is the opposite one. */
function reversals({ directionMapping }: Pick<LeaderProgress, 'directionMapping'>): 0 | 1 {
  return directionMapping?.Source.startsWith('cluster1') ? 1 : 0;
}
