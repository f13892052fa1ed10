import { MongoServerError } from 'mongodb';
import { UserError } from '../../platform/index.ts';

/** Returns the error for a name on the destination that belongs to something the migration didn't create. */
export function nameTaken(database: string, name: string): UserError {
  return new UserError('NAMESPACE_CONFLICT', [`${database}.${name}`, 'something else has its name on the destination']);
}

const NAMESPACE_EXISTS = 48;

/** Whether a server refused to create or rename something because the name exists already. */
export function isNameTaken(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === NAMESPACE_EXISTS;
}
