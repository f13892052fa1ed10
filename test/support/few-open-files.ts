import type { MongoClient } from 'mongodb';

const FEW_FILES = 'file_manager=(close_handle_minimum=15000,close_idle_time=3,close_scan_interval=1)';

/** Makes a server with many collections keep few of their files open. Each collection has two or more, and not every system allows that many. */
export async function keepFewFilesOpen(client: MongoClient): Promise<void> {
  await client.db('admin').command({ setParameter: 1, wiredTigerEngineRuntimeConfig: FEW_FILES });
}
