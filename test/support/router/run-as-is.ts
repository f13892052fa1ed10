import type { Document } from 'mongodb';
import { Upstream } from './upstream.ts';

/**
 * Runs a command without a driver, which would add a session, its own transaction number, or another server.
 * @param port loopback port of a router or a server without authentication
 * @returns the reply, also that of an error
 */
export async function runAsIs(port: number, db: string, command: Document): Promise<Document> {
  const upstream = new Upstream(port);
  try {
    return await upstream.run(db, command);
  } finally {
    upstream.close();
  }
}
