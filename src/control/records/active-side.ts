import type { MigrationState } from './migration-state.ts';

/** The side that takes users' writes, as far as the control plane knows. */
export function activeSide({ status, order: { direction } }: MigrationState): 'SOURCE' | 'DESTINATION' {
  const cutovers = status === 'COMPLETE' ? direction + 1 : direction;
  return cutovers % 2 === 1 ? 'DESTINATION' : 'SOURCE';
}

/** Says that the side without users stays blocked, and how to lift its block. */
export function stillBlocked(state: MigrationState): string {
  const other = activeSide(state) === 'SOURCE' ? 'destination' : 'source';
  return `The ${other} stays blocked for its users, and follows no changes. To use it on its own, run there: db.adminCommand({setUserWriteBlockMode: 1, global: false})`;
}
