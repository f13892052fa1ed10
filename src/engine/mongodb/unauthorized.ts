import { MongoServerError } from 'mongodb';

const UNAUTHORIZED = 13;

/** Whether a server refused a command because its user lacks a privilege. */
export function isUnauthorized(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === UNAUTHORIZED;
}

/** Returns the result of an act; undefined when its user lacks a privilege. */
export async function unlessUnauthorized<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (isUnauthorized(error)) return undefined;
    throw error;
  }
}
