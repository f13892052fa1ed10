import { UserError } from '../../platform/index.ts';

/** What stops the migration when a name on the destination belongs to something that the migration did not make. */
export function nameTaken(database: string, name: string): UserError {
  return new UserError('NAMESPACE_CONFLICT', [`${database}.${name}`, 'something else has its name on the destination']);
}
