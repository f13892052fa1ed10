import type { LiveMigration } from '../api/types.ts';
import type { IconName } from '../icon-shapes.ts';
import { text } from '../text.ts';

export type Tone = 'calm' | 'live' | 'ok' | 'warn' | 'bad';

export type StateKey = keyof typeof text.states;

/** A migration's state as the console shows it: a word, and an icon and a tone that only repeat it. */
export interface ShownState {
  readonly key: StateKey;
  readonly word: string;
  readonly icon: IconName;
  readonly tone: Tone;
}

const LOOKS: Readonly<Record<StateKey, readonly [IconName, Tone]>> = {
  new: ['waiting', 'calm'],
  lost: ['warning', 'bad'],
  cancelling: ['running', 'warn'],
  cutover: ['running', 'live'],
  pausing: ['running', 'calm'],
  paused: ['paused', 'warn'],
  drops: ['warning', 'warn'],
  differs: ['warning', 'bad'],
  waiting: ['waiting', 'warn'],
  ready: ['ready', 'ok'],
  preparing: ['running', 'live'],
  copying: ['running', 'live'],
  catchingUp: ['running', 'live'],
  verifying: ['running', 'live'],
  complete: ['done', 'ok'],
  completeWithProblems: ['warning', 'bad'],
  failed: ['failed', 'bad'],
  cancelled: ['skipped', 'calm'],
  expired: ['failed', 'bad'],
};

/** The state of a migration. The first that applies is what an operator has to know. */
export function shownStateOf(migration: LiveMigration): ShownState {
  const key = keyOf(migration);
  const [icon, tone] = LOOKS[key];
  return { key, word: text.states[key], icon, tone };
}

/** The state of a gate; undefined when the migration has no such gate. */
export function gateOf({ linkspan }: LiveMigration, name: string) {
  return linkspan.readiness.find((gate) => gate.name === name);
}

/** The cluster that users leave at the next cutover, and the one that they go to. A reversal swaps them. */
export function directionOf({ linkspan: { source, destination, reversals = 0 } }: LiveMigration) {
  const [from, to] = reversals % 2 === 0 ? [source, destination] : [destination, source];
  return { from: from.clusterName, to: to.clusterName };
}

/** The clusters in the direction of the migration. */
export function nameOf(migration: LiveMigration): string {
  const { from, to } = directionOf(migration);
  return `${from} → ${to}`;
}

function keyOf(migration: LiveMigration): StateKey {
  const { status, readyForCutover, linkspan } = migration;
  const { wanted, progress, agent, waiting } = linkspan;
  if (status === 'COMPLETE') return linkspan.problems.length > 0 ? 'completeWithProblems' : 'complete';
  if (status === 'EXPIRED') return 'expired';
  if (status === 'FAILED') return wanted === 'cancelled' || progress?.phase === 'cancelled' ? 'cancelled' : 'failed';
  if (agent?.status === 'LOST') return 'lost';
  if (wanted === 'cancelled') return 'cancelling';
  if (wanted === 'cutover' || linkspan.sourceBlockedSince !== undefined) return 'cutover';
  if (status === 'NEW') return 'new';
  if (wanted === 'paused') return progress?.phase === 'paused' ? 'paused' : 'pausing';
  if (gateOf(migration, 'drops')?.state === 'blocked') return 'drops';
  if ((progress?.verification?.mismatches.open ?? 0) > 0) return 'differs';
  if (waiting.length > 0) return 'waiting';
  if (readyForCutover) return 'ready';
  if (progress?.phase === 'copying') return 'copying';
  if (progress?.phase !== 'tailing') return 'preparing';
  return gateOf(migration, 'lag')?.state === 'passed' ? 'verifying' : 'catchingUp';
}
