import { ReversibleMigration, Steering } from '../../src/engine/index.ts';
import { newId, silentLogger } from '../../src/platform/index.ts';

/** A request of the parent: pause, or apply the given number of changes. */
export type Request = { readonly kind: 'pause' } | { readonly kind: 'apply'; readonly changes: number };
/** Sent after each request, and once after the initial copy. */
export interface Done {
  readonly seconds: number;
}

/** Each look costs this process a few tenths of a millisecond. */
const LOOK_EVERY_MS = 20;

/** Runs the engine in a separate process, as in production: `node linkspan-process.ts SOURCE DESTINATION [off]`. The parent controls it with messages. */
const [source = '', destination = '', verification] = process.argv.slice(2);
const migration = new ReversibleMigration({
  migrationId: newId(),
  source: { uri: source },
  destination: { uri: destination },
  dropDestination: false,
  verification: verification === 'off' ? 'OFF' : 'REPAIR',
  logger: silentLogger,
});
const steering = new Steering(migration);
const ended = migration.run(new AbortController().signal).then(
  () => new Error('the migration ended'),
  (error: unknown) => error,
);
void ended.then((error) => {
  console.error(error);
  process.exit(1);
});

/** Read before the pause, because the engine still applies a stream reply that has already arrived. */
let readBefore = 0;
process.on('message', async (request: Request) => {
  const start = performance.now();
  if (request.kind === 'pause') await pause();
  else await apply(request.changes);
  answer(start);
});
await until(() => migration.progress().readyForCutover);
answer(0);

async function pause(): Promise<void> {
  readBefore = migration.progress().changes.read;
  steering.pause();
  await until(() => migration.progress().state === 'PAUSED');
}

async function apply(changes: number): Promise<void> {
  steering.resume();
  await until(() => {
    const { read, queued } = migration.progress().changes;
    return read - readBefore >= changes && queued === 0;
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}

function answer(start: number): void {
  process.send?.({ seconds: (performance.now() - start) / 1_000 } satisfies Done);
}
