import type { MongoClient } from 'mongodb';
import { checkConnectionString } from './connection-string.ts';

/** Long enough for an election, short enough for a user who waits for the answer. */
export const TIMEOUT_MS = 10_000;

/**
 * Connects to a destination, calls `act`, and closes the connection.
 * @param timeoutMs  limit for each step
 * @param signal     closes the connection, so that running commands fail
 * @throws UserError as {@link checkConnectionString}, and the driver's errors, which quote everything that the driver can't parse
 */
export async function withDestination<Result>(
  connectionString: string,
  act: (client: MongoClient) => Promise<Result>,
  timeoutMs = TIMEOUT_MS,
  signal?: AbortSignal,
): Promise<Result> {
  // Loaded on demand, because the control plane starts in half the time without the driver.
  const { MongoClient } = await import('mongodb');
  signal?.throwIfAborted();
  await using client = new MongoClient(checkConnectionString(connectionString), {
    compressors: ['none'],
    maxPoolSize: 2,
    // One monitoring connection per server; `auto` uses two.
    serverMonitoringMode: 'poll',
    serverSelectionTimeoutMS: timeoutMs,
    connectTimeoutMS: timeoutMs,
    socketTimeoutMS: timeoutMs,
    appName: 'linkspan',
  });
  const close = () => void client.close();
  signal?.addEventListener('abort', close, { once: true });
  try {
    return await act(client);
  } finally {
    signal?.removeEventListener('abort', close);
  }
}
