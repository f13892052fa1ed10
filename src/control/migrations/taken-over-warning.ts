import { errorText } from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import type { Migration } from '../records/records.ts';

/** Whether the agent has said that another engine has taken the migration over, and no agent has reported it since. */
export function isNotedAsTakenOver({ id, progress }: Pick<Migration, 'id' | 'progress'>): boolean {
  return progress?.warnings.includes(takenOverWarning(id)) ?? false;
}

/** The warning in the last progress of a migration that its agent has lost to another engine. */
export function takenOverWarning(migrationId: string): string {
  return errorText(new UserError('TAKEN_OVER', [migrationId]));
}
