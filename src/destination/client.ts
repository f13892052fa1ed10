import type { MongoClient } from 'mongodb';
import { checkConnectionString } from './connection-string.ts';

/** Long enough for an election, short enough for somebody who waits for the answer. */
export const TIMEOUT_MS = 10_000;

/**
 * Connects to a destination for as long as `act` takes.
 * @param timeoutMs  for each step
 * @param signal     closes the connection: what is under way fails
 * @throws UserError as {@link checkConnectionString}; what the driver throws, which quotes everything that it does not understand
 */
export async function withDestination<Result>(
  connectionString: string,
  act: (client: MongoClient) => Promise<Result>,
  timeoutMs = TIMEOUT_MS,
  signal?: AbortSignal,
): Promise<Result> {
  // Loaded when it is needed: the control plane starts in half the time without the driver.
  const { MongoClient } = await import('mongodb');
  signal?.throwIfAborted();
  await using client = new MongoClient(checkConnectionString(connectionString), {
    compressors: ['none'],
    maxPoolSize: 2,
    // One connection to watch each server; with `auto` it is two.
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
