import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hookEventOf } from '../../../src/control/hooks/hook-event-of.ts';
import { type Migration, NEW_MIGRATION } from '../../../src/control/index.ts';
import { hookEvent } from '../../../src/hooks/index.ts';

test('hooks are told of a failback that fails or is lost, with the reason and the side with the users', () => {
  const error = { code: 'MISSING_PRIVILEGE', message: 'Lacks a privilege.', remedy: 'Grant it.' };
  const state = { ...NEW_MIGRATION, status: 'COMPLETE', failback: 'FAILED' } as const;
  const about = { id: 'm', orgId: 'o', groupId: 'g', sourceClusterName: 's', labels: { team: 'payments' } };
  const failed = { ...about, state, failback: { state: 'FAILED', error } };
  const lost = {
    ...failed,
    state: { ...state, failback: 'LOST', error: { ...error, message: 'The link was revoked.' } },
  };
  const record = { id: 'e', createdAtMs: 0, details: {} };
  const told = [
    hookEventOf({ ...record, eventTypeName: 'LIVE_MIGRATION_FAILBACK_FAILED' } as never, failed as never, 'd'),
    hookEventOf(
      { ...record, eventTypeName: 'LIVE_MIGRATION_FAILBACK_LOST' } as never,
      lost as unknown as Migration,
      'd',
    ),
  ].map((event) => hookEvent.parse(event));
  assert.deepEqual(
    told.map(({ type, data }) => [
      type,
      'error' in data && data.error.message,
      'activeSide' in data && data.activeSide,
      'labels' in data && data.labels?.team,
    ]),
    [
      ['migration.failback_failed', 'Lacks a privilege.', 'DESTINATION', 'payments'],
      ['migration.failback_failed', 'The link was revoked.', 'DESTINATION', 'payments'],
    ],
  );
});

test('hooks are told which host has taken a migration over, from which one and why', () => {
  const migration = { id: 'm', orgId: 'o', groupId: 'g', sourceClusterName: 's', labels: {}, state: NEW_MIGRATION };
  const details = { liveMigrationId: 'm', migrationHost: 'b', formerMigrationHost: 'a', reason: 'CUT_OFF' };
  const record = { id: 'e', createdAtMs: 0, details, eventTypeName: 'LIVE_MIGRATION_TAKEN_OVER' };
  const { type, data } = hookEvent.parse(hookEventOf(record as never, migration as never, 'd'));
  assert.equal(type, 'migration.taken_over');
  assert.deepEqual(
    { ...data },
    {
      migrationId: 'm',
      orgId: 'o',
      groupId: 'g',
      source: 's',
      destination: 'd',
      host: 'b',
      fromHost: 'a',
      reason: 'CUT_OFF',
    },
  );
});
