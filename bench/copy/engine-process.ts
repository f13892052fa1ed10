import { ReversibleMigration } from '../../src/engine/index.ts';
import { newId, silentLogger } from '../../src/platform/index.ts';
import { DATABASE } from '../servers.ts';

/** A request of the parent: migrate this collection of the bench's database. */
export interface Request {
  readonly collection: string;
}
/** Sent after each migration: the time that it took, and the processor time, of user and system, in seconds. */
export interface Done {
  readonly seconds: number;
  readonly processorSeconds: number;
}

/** Runs the engine in a separate process, as in production: `node engine-process.ts SOURCE DESTINATION`. */
const [source = '', destination = ''] = process.argv.slice(2);
process.on('message', async ({ collection }: Request) => {
  const before = process.cpuUsage();
  const beganAt = performance.now();
  const migration = new ReversibleMigration({
    migrationId: newId(),
    source: { uri: source },
    destination: { uri: destination },
    dropDestination: true,
    once: true,
    verification: 'OFF',
    filters: { include: [{ database: DATABASE, collections: [collection] }] },
    logger: silentLogger,
  });
  await migration.run(new AbortController().signal);
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - beganAt) / 1_000;
  process.send?.({ seconds, processorSeconds: (user + system) / 1_000_000 } satisfies Done);
});
