import { MongoServerError } from 'mongodb';

const UNAUTHORIZED = 13;

/** Whether a server refused a command because its user lacks a privilege. */
export function isUnauthorized(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === UNAUTHORIZED;
}
