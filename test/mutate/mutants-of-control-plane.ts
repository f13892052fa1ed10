import type { Mutant } from './mutant.ts';

const ROTATIONS = 'test/cli/keys-of-running-server.test.ts';

/** Each removes one rule of the control plane and its store: what is acknowledged is stored, and no record is written back from an old read. */
export const OF_CONTROL_PLANE: readonly Mutant[] = [
  {
    without: 'failing the writes that wait when the disk has failed',
    file: 'src/store/sqlite/group-commit.ts',
    replace: '    for (const write of this.#waiting.splice(0)) write.fail(failure);\n',
    by: '',
    tests: { file: 'test/store/sqlite.test.ts', name: 'fails every write that waits' },
  },
  {
    without: 'reading a destination user again before its state is written',
    file: 'src/control/clusters/settle-destination-user.ts',
    replace: "await changeUser(transaction, user.id, { state: 'made' });",
    by: "await transaction.updateDestinationUser({ ...user, state: 'made' });",
    tests: { file: ROTATIONS, name: 'made on a destination while the master key is rotated' },
  },
  {
    without: 'signing with a new key after a rotation that failed at first',
    file: 'src/cli/run/serve-master-key.ts',
    replace:
      '      if (control.sealer.mark !== signedUnder) await control.serverKeys.rotate();\n      signedUnder = control.sealer.mark;\n',
    by: '      const isNew = control.sealer.mark !== signedUnder;\n      signedUnder = control.sealer.mark;\n      if (isNew) await control.serverKeys.rotate();\n',
    tests: { file: ROTATIONS, name: 'failed to take up' },
  },
  {
    without: 'moving the watches of sources to the agent that replaces another',
    file: 'src/control/links/replace-agent.ts',
    replace: '[...active, ...watched]',
    by: 'active',
    tests: { file: 'test/atlas-api/source-watch.test.ts', name: 'replaces the watching one' },
  },
  {
    without: 'the silence of an agent about one of its migrations',
    file: 'src/control/migrations/migration-contact.ts',
    replace: "return isLeftOut ? { status: 'LOST', lastReportAtMs, isLeftOut } : { ...contact, isLeftOut };",
    by: 'return { ...contact, isLeftOut };',
    tests: { file: 'test/atlas-api/migration-readiness.test.ts', name: 'leaves out of its reports' },
  },
  {
    without: 'the report of a migration that another agent with the same key says it has lost',
    file: 'src/control/migrations/note-taken-over.ts',
    replace: '  if (!contactOfMigration(migration, agent, atMs).isLeftOut) return;\n',
    by: '',
    tests: { file: 'test/atlas-api/migration-readiness.test.ts', name: 'was not taken over' },
  },
];
