import type { CutoverAttempt } from '../../src/contract/index.ts';
import { ReversibleMigration, Steering } from '../../src/engine/index.ts';
import { newId, silentLogger } from '../../src/platform/index.ts';

/** The end of a cutover. The first message of the process, without attempts, says that the migration is ready. */
export interface CutOver {
  readonly attempts: readonly CutoverAttempt[];
}

const LOOK_EVERY_MS = 20;

/** Runs one migration in a process of its own, as in production: `node linkspan-process.ts SOURCE DESTINATION`. Any message asks for the cutover. */
const [source = '', destination = ''] = process.argv.slice(2);
const migration = new ReversibleMigration({
  migrationId: newId(),
  source: { uri: source },
  destination: { uri: destination },
  dropDestination: false,
  logger: silentLogger,
});
const steering = new Steering(migration);
const outcome = migration.run(new AbortController().signal);
outcome.then(
  () => process.send?.({ attempts: migration.progress().cutoverAttempts } satisfies CutOver),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
process.on('message', () => steering.cutOver());
while (!migration.progress().readyForCutover) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
process.send?.({ attempts: [] } satisfies CutOver);
