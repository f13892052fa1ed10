import { type GateName, STAGES, type Stage } from '../../contract/index.ts';
import type { LiveMigration } from '../api/types.ts';
import type { IconName } from '../icon-shapes.ts';

export type Tone = 'calm' | 'live' | 'ok' | 'warn' | 'bad';

/** A migration's stage as the console shows it: a word, and an icon and a tone that only repeat it. */
export interface ShownStage {
  readonly word: string;
  readonly icon: IconName;
  readonly tone: Tone;
}

const LOOKS: Readonly<Record<Stage, readonly [IconName, Tone]>> = {
  WAITING_TO_START: ['waiting', 'calm'],
  AGENT_LOST: ['warning', 'bad'],
  CANCELLING: ['running', 'warn'],
  CUTTING_OVER: ['running', 'live'],
  PAUSING: ['running', 'calm'],
  PAUSED: ['paused', 'warn'],
  RESUMING: ['running', 'calm'],
  DROPS_HELD: ['warning', 'warn'],
  DIFFERENT: ['warning', 'bad'],
  WAITING: ['waiting', 'warn'],
  READY: ['ready', 'ok'],
  PREPARING: ['running', 'live'],
  COPYING: ['running', 'live'],
  BUILDING_INDEXES: ['running', 'live'],
  REPAIRING: ['running', 'live'],
  CATCHING_UP: ['running', 'live'],
  VERIFYING: ['running', 'live'],
  COMPLETE: ['done', 'ok'],
  COMPLETE_WITH_PROBLEMS: ['warning', 'bad'],
  FAILED: ['failed', 'bad'],
  CANCELLED: ['skipped', 'calm'],
  EXPIRED: ['failed', 'bad'],
};

export function shownStageOf({ linkspan: { stage } }: LiveMigration): ShownStage {
  const [icon, tone] = LOOKS[stage];
  const word = STAGES[stage];
  return { word: `${word.charAt(0).toUpperCase()}${word.slice(1)}`, icon, tone };
}

/** The state of a gate; undefined when the migration has no such gate. */
export function gateOf({ linkspan }: LiveMigration, name: GateName) {
  return linkspan.readiness.find((gate) => gate.name === name);
}

/** The cluster that users leave at the next cutover, and the one that they go to. A reversal swaps them. */
export function directionOf({ linkspan: { source, destination, reversals = 0 } }: LiveMigration) {
  const [from, to] = reversals % 2 === 0 ? [source, destination] : [destination, source];
  return { from: from.clusterName, to: to.clusterName };
}

/** The user's labels of a migration, each as `name=value`. */
export function labelTexts({ linkspan: { labels } }: LiveMigration): string[] {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`);
}

/** The clusters in the direction of the migration. */
export function nameOf(migration: LiveMigration): string {
  const { from, to } = directionOf(migration);
  return `${from} → ${to}`;
}
