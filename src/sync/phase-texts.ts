import type { CollectionProgress, Progress } from '../contract/index.ts';

/** The values of mongosync's `info`. Its page on `progress` (1.22) lists all but the first, which is the name of the phase in its logs. */
type Info =
  | 'initializing collections and indexes'
  | 'collection copy'
  | 'change event application'
  | 'waiting for commit to complete'
  | 'commit completed';

/** mongosync's texts for the phase of a migration. */
export interface PhaseTexts {
  readonly info: Info;
  /** Absent unless changes are applied (mongosync's page on `progress`, 1.22). */
  readonly ceaStage?: 'collection copy drain' | 'steady state';
}

/**
 * Returns mongosync's texts for the phase of a migration. For mongosync the copy ends with the last document. For Linkspan it ends when each
 * collection also has its indexes and the changes of the copy's time: mongosync's `collection copy drain`.
 * @param collections  undefined while the process does not know them
 */
export function phaseTexts({ state, phases }: Progress, collections?: readonly CollectionProgress[]): PhaseTexts {
  switch (state === 'PAUSED' ? phases.at(-1)?.name : state) {
    case 'CREATED':
    case 'PREPARING':
      return { info: 'initializing collections and indexes' };
    case 'COPYING':
      return areCopied(collections) ? applying(state, 'collection copy drain') : { info: 'collection copy' };
    case 'COMMITTING':
      return { info: 'waiting for commit to complete' };
    case 'COMMITTED':
      return { info: 'commit completed' };
    default:
      return applying(state, 'steady state');
  }
}

function applying(state: Progress['state'], ceaStage: NonNullable<PhaseTexts['ceaStage']>): PhaseTexts {
  const isApplying = state === 'COPYING' || state === 'FOLLOWING';
  return { info: 'change event application', ...(isApplying && { ceaStage }) };
}

/** Whether every document of the source's collections was copied. The copy of a quarantined collection may not have ended. */
function areCopied(collections: readonly CollectionProgress[] = []): boolean {
  const isOpen = ({ state }: CollectionProgress) =>
    state === 'WAITING' || state === 'COPYING' || state === 'QUARANTINED';
  return collections.length > 0 && !collections.some(isOpen);
}
