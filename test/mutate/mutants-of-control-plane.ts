import type { Mutant } from './mutant.ts';

const ROTATIONS = 'test/cli/keys-of-running-server.test.ts';
const REQUEST_LIMITS = 'test/atlas-api/request-limits.test.ts';
const ADMINISTRATION = 'test/atlas-api/administration.test.ts';
const ENDED_SENDERS = 'test/atlas-api/ended-senders.test.ts';

/** Each removes one rule of the control plane and its store: what is acknowledged is stored, no record is written back from an old read, and who has lost access changes nothing. */
export const OF_CONTROL_PLANE: readonly Mutant[] = [
  {
    without: 'failing the writes that wait when the disk has failed',
    file: 'src/store/sqlite/group-commit.ts',
    replace: '    for (const write of this.#waiting.splice(0)) write.fail(failure);\n',
    by: '',
    tests: { file: 'test/store/sqlite.test.ts', name: 'fails every write that waits' },
  },
  {
    without: 'reading the changes of the open transaction instead of the cache',
    file: 'src/store/sqlite/store.ts',
    replace: 'changed.has(apiKeys) ? await operations.apiKey(publicKey) : apiKeys.find(publicKey)',
    by: 'apiKeys.find(publicKey)',
    tests: { file: 'test/store/sqlite.test.ts' },
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
    without: 'checking the sender again in each transaction',
    file: 'src/control/accounts/sender.ts',
    replace: '        await assertStillAdmitted(control, transaction, sender);\n',
    by: '',
    tests: { file: ENDED_SENDERS, name: 'deleted meanwhile is not registered' },
  },
  {
    without: 'checking the sender again after the body was read',
    file: 'src/atlas-api/operation-route.ts',
    replace: '      await assertStillAdmitted(control, control.store, sender);\n',
    by: '',
    tests: { file: ENDED_SENDERS, name: 'before its key was deleted' },
  },
  {
    without: 'counting only service accounts with a secret as owners',
    file: 'src/control/accounts/assert-owned.ts',
    replace: 'account.secrets.some((secret) => isGoodSecret(secret, nowMs))',
    by: 'account.secrets.length >= 0',
    tests: { file: ADMINISTRATION, name: 'the last secret that lets an owner sign in' },
  },
  {
    without: 'keeping the last secret of the last owner',
    file: 'src/control/accounts/service-accounts.ts',
    replace:
      '    const changed = { ...account, secrets };\n    await transaction.updateServiceAccount(changed);\n    await assertOwned(transaction, account, changed, control.clock.now());\n',
    by: '    const changed = { ...account, secrets };\n    await transaction.updateServiceAccount(changed);\n',
    tests: { file: ADMINISTRATION, name: 'the last secret that lets an owner sign in' },
  },
  {
    without: 'letting changes pass that remove no owner',
    file: 'src/control/accounts/assert-owned.ts',
    replace: '  if (!removesOwner(before, after, nowMs)) return;\n',
    by: '',
    tests: { file: 'test/atlas-api/last-owner.test.ts', name: 'changes what removes no owner' },
  },
  {
    without: 'keeping an owner that has only its access token left',
    file: 'src/control/accounts/assert-owned.ts',
    replace: 'if (after === undefined || !isOwner(after)) return true;',
    by: 'if (after === undefined || !isOwner(after)) return canSignIn(before, nowMs);',
    tests: { file: 'test/atlas-api/last-owner.test.ts', name: 'changes what removes no owner' },
  },
  {
    without: 'a limit of the whole access list',
    file: 'src/control/accounts/access-list.ts',
    replace: 'const count = list.length + addresses.length;',
    by: 'const count = addresses.length;',
    tests: { file: REQUEST_LIMITS, name: 'at most 200 entries' },
  },
  {
    without: 'a way in again for an organization that requires access lists',
    file: 'src/control/maintenance/bootstrap.ts',
    replace: ' && (publicKey !== undefined || serviceAccount === undefined)',
    by: '',
    tests: { file: 'test/atlas-api/last-owner.test.ts', name: 'enters an organization again' },
  },
  {
    without: 'the record of a warning about the last secret of owners',
    file: 'src/control/accounts/warn-of-expiry.ts',
    replace:
      '      if (due) await audit(transaction, SYSTEM, atMs, { eventTypeName: EVENT, orgId, details: { ...due } });\n',
    by: '',
    tests: { file: 'test/atlas-api/last-owner.test.ts', name: 'owners are warned once' },
  },
  {
    without: 'a limit of organizations',
    file: 'src/control/organizations/organizations.ts',
    replace: 'if (ids.length >= MOST_ORGANIZATIONS && ids[0]',
    by: 'if (false && ids[0]',
    tests: { file: 'test/atlas-api/most-records.test.ts', name: 'at most 250 organizations' },
  },
  {
    without: 'a limit of the roles in requests',
    file: 'src/atlas-api/api-key-schemas.ts',
    replace: '    .max(roles.length)\n',
    by: '',
    tests: { file: REQUEST_LIMITS, name: 'every list in a request body' },
  },
  {
    without: 'storing a role once',
    file: 'src/atlas-api/api-key-schemas.ts',
    replace: '[...new Set(given)]',
    by: 'given',
    tests: { file: REQUEST_LIMITS, name: 'is stored once' },
  },
  {
    without: 'ending a session whose account loses a role in a project',
    file: 'src/control/accounts/sessions.ts',
    replace: '(await hasLostRole(this.#control.store, session.actor, standing.account.actor))',
    by: 'false',
    tests: { file: 'test/atlas-api/sessions.test.ts', name: 'outlives the projects' },
  },
  {
    without: 'ending the requests of a session with the session',
    file: 'src/control/accounts/sessions.ts',
    replace: 'return this.#sessions.get(hash) === session ? rights : undefined;',
    by: 'return rights;',
    tests: { file: ENDED_SENDERS, name: 'signed out' },
  },
  {
    without: 'ignoring roles in deleted projects when the sender is checked again',
    file: 'src/control/accounts/sender.ts',
    replace: 'if (group?.deletedAtMs === null) return true;',
    by: 'if (group) return true;',
    tests: { file: ENDED_SENDERS, name: 'because its roles change' },
  },
  {
    without: 'the silence of an agent about one of its migrations',
    file: 'src/control/migrations/migration-contact.ts',
    replace: 'if (!isLeftOut) return',
    by: 'if (true) return',
    tests: { file: 'test/atlas-api/migration-readiness.test.ts', name: 'leaves out of its reports' },
  },
  {
    without: 'the wait for the agent of a requested way back',
    file: 'src/control/migrations/migration-view.ts',
    replace: "wayBack === 'planned' && reversals > 0",
    by: 'false',
    tests: { file: 'test/atlas-api/reversible-migration.test.ts', name: 'waits for its agent by name' },
  },
  {
    without: 'keeping the limit of an agent from counting as failed attempts',
    file: 'src/gateway/refused-attempts.ts',
    replace: "if (type !== 'AGENT_REQUESTS_LIMITED') ",
    by: '',
    tests: { file: 'test/atlas-api/security-events.test.ts', name: 'beyond its limit' },
  },
  {
    without: 'the end of the time that an agent has to resume its migrations',
    file: 'src/control/migrations/migration-contact.ts',
    replace: 'heardSinceMs !== null && Math.abs(nowMs - heardSinceMs) <= LOST_AFTER_MS;',
    by: 'heardSinceMs !== null;',
    tests: { file: 'test/atlas-api/migration-readiness.test.ts', name: 'has restarted resumes its migration' },
  },
  {
    without: 'the report of a migration that another agent with the same key says it has lost',
    file: 'src/control/migrations/note-taken-over.ts',
    replace: '  if (!contactOfMigration(migration, agent, atMs).isLeftOut) return;\n',
    by: '',
    tests: { file: 'test/atlas-api/migration-readiness.test.ts', name: 'was not taken over' },
  },
  {
    without: 'hearing an agent that reports the direction before the one on record',
    file: 'src/control/migrations/note-heard.ts',
    replace: '    reportedAtMs: atMs,\n',
    by: '',
    tests: { file: 'test/atlas-api/reversible-migration.test.ts', name: 'reports the cutover before it' },
  },
  {
    without: 'taking back that a way back is ready whose agent has not opened it again',
    file: 'src/control/migrations/note-heard.ts',
    replace: 'progress: progress && notOpened(progress, reported),',
    by: 'progress: progress && { ...notOpened(progress, reported), ...progress },',
    tests: { file: 'test/atlas-api/reversible-migration.test.ts', name: 'reports the cutover before it' },
  },
  {
    without: 'giving advice about a second engine only when the agent names one',
    file: 'src/control/migrations/migration-view.ts',
    replace: "  if (!isNotedAsTakenOver(migration)) return '';\n",
    by: '',
    tests: { file: 'test/atlas-api/migration-readiness.test.ts', name: 'does not call taken over' },
  },
];
