import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { percentile } from './load.ts';

/** Returns the median time of appending and syncing 4 KiB, in milliseconds: the minimum cost of a durable write. */
export function medianSyncMs(folder: string, times: number): number {
  const descriptor = openSync(join(folder, 'sync'), 'a');
  const page = Buffer.alloc(4096, 'x');
  const tookMs = Array.from({ length: times }, () => {
    const began = performance.now();
    writeSync(descriptor, page);
    fdatasyncSync(descriptor);
    return performance.now() - began;
  });
  closeSync(descriptor);
  return percentile(
    tookMs.sort((a, b) => a - b),
    0.5,
  );
}

/** Returns how many rows like those of link-tokens SQLite alone writes per second, with 64 rows per synced commit. */
export function rowsPerSecond(folder: string, commits: number): number {
  const database = new DatabaseSync(join(folder, 'rows.db'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec(
    `CREATE TABLE IF NOT EXISTS tokens (id TEXT PRIMARY KEY, org_id TEXT, secret_hash TEXT, ips TEXT, by TEXT, at INTEGER) STRICT, WITHOUT ROWID;
     CREATE INDEX IF NOT EXISTS tokens_of ON tokens (org_id)`,
  );
  const insert = database.prepare('INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)');
  const began = performance.now();
  for (let commit = 0; commit < commits; commit += 1) {
    database.exec('BEGIN IMMEDIATE');
    for (let row = 0; row < 64; row += 1) {
      insert.run(Math.random().toString(36), 'a'.repeat(24), 'h'.repeat(43), '["1.2.3.4"]', 'abcdefgh', commit);
    }
    database.exec('COMMIT');
  }
  const seconds = (performance.now() - began) / 1000;
  database.close();
  return (commits * 64) / seconds;
}
