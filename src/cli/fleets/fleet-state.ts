import type { LiveMigration } from '../../atlas-api/index.ts';
import type { ErrorData } from '../../contract/index.ts';
import { hasEnded, lagOf } from '../administration/shown-migration.ts';
import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { codeOfProblem } from '../command-line/outcome.ts';
import { entryNameOf, waveOf } from './fleet-labels.ts';

/** The state of an entry, as its wave counts it. */
export interface EntryState {
  readonly entry: string;
  readonly wave: number | undefined;
  readonly agent: string;
  /** WAITING: it has no migration yet. RUNNING: its migration is not ready for the cutover yet, or no longer. */
  readonly state: 'WAITING' | 'RUNNING' | 'READY' | 'COMPLETE' | 'FAILED';
  readonly migration?: LiveMigration;
  /** Why it is FAILED, with the exit code that this has. */
  readonly failure?: { readonly error: ErrorData; readonly code: ExitCode };
}

type Known = Pick<EntryState, 'entry' | 'wave' | 'agent'>;

/** The state of an entry whose migration the server refused to create. */
export function refusedState(known: Known, error: ErrorData): EntryState {
  return { ...known, state: 'FAILED', failure: { error, code: exitCode.usageOrPrecondition } };
}

/** The state of an entry by its newest migration. */
export function stateOf(known: Known, migration: LiveMigration | undefined): EntryState {
  if (migration === undefined) return { ...known, state: 'WAITING' };
  const here = { ...known, agent: migration.migrationHosts[0] ?? known.agent, migration };
  if (!hasEnded(migration)) return { ...here, state: migration.readyForCutover ? 'READY' : 'RUNNING' };
  const [problem] = migration.linkspan.problems;
  if (migration.status !== 'COMPLETE') {
    const { status, errorMessage = status, linkspan } = migration;
    const error = linkspan.error ?? { code: status, message: errorMessage, remedy: '' };
    return { ...here, state: 'FAILED', failure: { error, code: exitCode.failed } };
  }
  if (problem === undefined) return { ...here, state: 'COMPLETE' };
  return { ...here, state: 'FAILED', failure: { error: problem, code: codeOfProblem(problem) } };
}

/** Returns the states of a fleet's entries as their newest migrations have them, by wave. @param migrations  the newest first */
export function statesOf(migrations: readonly LiveMigration[]): EntryState[] {
  const states = [...newestOf(migrations)].map(([entry, migration]) =>
    stateOf({ entry, wave: waveOf(migration), agent: '' }, migration),
  );
  const last = Number.POSITIVE_INFINITY;
  return states.sort((one, other) => (one.wave ?? last) - (other.wave ?? last) || one.entry.localeCompare(other.entry));
}

/** Returns the newest migration of each entry, by the entry's name. @param migrations  the newest first */
export function newestOf(migrations: readonly LiveMigration[]): Map<string, LiveMigration> {
  return new Map(migrations.toReversed().map((migration) => [entryNameOf(migration), migration]));
}

function warningsOf({ linkspan: { warnings, progress } }: LiveMigration): string[] {
  return [...warnings, ...(progress?.warnings ?? [])];
}

/** Returns the names of what a migration waits for, such as its agent; empty without a migration. */
export function waitsOf({ migration }: EntryState): string {
  return (migration?.linkspan.waiting ?? []).map((wait) => wait.for).join(', ');
}

/** Returns the state as data for programs. */
export function entryData({ entry, wave, state, agent, migration, failure }: EntryState): object {
  return {
    entry,
    wave: wave ?? null,
    state,
    agent,
    migrationId: migration?._id ?? null,
    status: migration?.status ?? null,
    stage: migration?.linkspan.stage ?? null,
    agentStatus: migration?.linkspan.agent?.status ?? null,
    waiting: migration?.linkspan.waiting ?? [],
    warnings: migration === undefined ? [] : warningsOf(migration),
    lagTimeSeconds: migration === undefined ? null : (lagOf(migration) ?? null),
    error: failure?.error ?? null,
  };
}
