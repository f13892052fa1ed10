import { type BackUp, backUp } from '../support/back-up.ts';
import { eventually } from '../support/eventually.ts';
import type { EngineLives } from './engine-lives.ts';
import type { Fault } from './fault.ts';
import type { RoundLog } from './round-log.ts';
import { type UserSide, WITHIN_MS } from './user-sides.ts';

/** The engine sees that a side is down while its files are copied. */
const RESTART: Fault = { kind: 'restart', moment: 'failback', afterMs: 0, lastsMs: 0, side: 'destination' };

/** Copies the files of the side that the users are about to leave. */
export async function copyFiles({ set }: UserSide, log: RoundLog): Promise<BackUp> {
  using _ = log.fault(RESTART);
  return await backUp(set);
}

/** Restores an old source from a copy of before its cutover. The failback has to end, with that reason. */
export async function restoreOldSource(copy: BackUp, engine: EngineLives, log: RoundLog): Promise<void> {
  using _ = log.fault(RESTART);
  await copy.restore();
  log.say('the old source is restored from before the cutover');
  const failback = async () => (await engine.call('progress', { method: 'GET' })).progress?.linkspan?.failback;
  const isLost = async () => (await failback())?.error?.code === 'FAILBACK_LOST';
  const waited = eventually(isLost, { what: 'the end of the failback', deadlineMs: WITHIN_MS });
  engine.lostFailback = await waited.then(
    () => true,
    () => false,
  );
  if (!engine.lostFailback)
    log.find(`the failback to a restored old source does not end: ${JSON.stringify(await failback())}`);
}
