import type { Column, ComputedColumn } from '../administration/command.ts';
import { lagColumn, shortErrorColumn, stageColumn, waitingColumn } from '../administration/migration-text.ts';
import { isLost } from '../administration/shown-migration.ts';
import { tableOf } from '../administration/table.ts';
import type { EntryState } from './fleet-state.ts';

const column = (title: string, of: (state: EntryState) => unknown): ComputedColumn => ({
  title,
  of: (record) => of(record as EntryState),
});

/** A column about the migration of an entry; empty as long as it has none. */
const ofMigration = ({ title, of }: ComputedColumn): ComputedColumn =>
  column(title, ({ migration }) => (migration === undefined ? undefined : of(migration)));

const COLUMNS: readonly Column[] = [
  'wave',
  'entry',
  column('_id', ({ migration }) => migration?._id),
  column('status', ({ migration }) => migration?.status),
  ofMigration(stageColumn),
  ofMigration(lagColumn),
  column('agent', ({ agent, migration }) => (migration && isLost(migration) ? `${agent} (LOST)` : agent)),
  ofMigration(waitingColumn),
  ofMigration(shortErrorColumn),
];

/** Formats the entries of a fleet as a table. */
export function fleetTable(states: readonly EntryState[]): string {
  return tableOf(states, COLUMNS);
}
