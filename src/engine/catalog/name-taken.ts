import { MongoServerError } from 'mongodb';
import { UserError } from '../../platform/index.ts';

/** What stops the migration when a name on the destination belongs to something that the migration did not make. */
export function nameTaken(database: string, name: string): UserError {
  return new UserError('NAMESPACE_CONFLICT', [`${database}.${name}`, 'something else has its name on the destination']);
}

const NAMESPACE_EXISTS = 48;

/** Whether a server refused to make or rename something because of what has the name already. */
export function isNameTaken(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === NAMESPACE_EXISTS;
}
