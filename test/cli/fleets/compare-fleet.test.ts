import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster, LiveMigration } from '../../../src/atlas-api/index.ts';
import { compareFleet } from '../../../src/cli/fleets/compare-fleet.ts';
import type { Fleet } from '../../../src/cli/fleets/fleet-file.ts';
import { diffText } from '../../../src/cli/fleets/shown-diff.ts';

const SOURCE = { project: '5'.repeat(24), cluster: 'orders' };
const fleet = (changes: object = {}): Fleet => ({
  fleet: 'spring',
  destinations: { C: { connectionString: 'mongodb://u:canary@h1:27017,h2:27017/?replicaSet=r' } },
  migrations: [
    {
      ...{ name: 'orders', agent: 'm', source: SOURCE, destination: 'C', wave: 1, labels: {}, note: null },
      ...{ loadWindows: [], drop: false, reversible: false, usersAndRoles: false, ...changes },
    },
  ],
});
const cluster = (standard: string) => ({ name: 'C', connectionStrings: { standard } }) as Cluster;
const migration = (changes: object = {}, linkspan: object = {}) =>
  ({
    ...{ _id: '1'.repeat(24), status: 'WORKING', migrationHosts: ['m'], ...changes },
    linkspan: {
      source: { groupId: SOURCE.project, clusterName: SOURCE.cluster },
      destination: { groupId: 'g', clusterName: 'C' },
      ...{ loadWindows: [], note: null, ...linkspan },
      labels: { 'linkspan/fleet': 'spring', 'linkspan/entry': 'orders', 'linkspan/wave': '1' },
    },
  }) as unknown as LiveMigration;

test('a destination with another address, and an unknown one, are refused without their credentials', () => {
  const destinations = [cluster('mongodb://other:27017/?replicaSet=r')];
  const compare = (one: Fleet) => compareFleet(one, { destinations, migrations: [] }, false);
  assert.throws(
    () => compare(fleet()),
    (error: Error & { readonly code?: string }) =>
      error.code === 'FLEET_DESTINATION_MOVED' &&
      /hosts other:27017\) .* \(hosts h1:27017,h2:27017\)/.test(error.message) &&
      !error.message.includes('canary'),
  );
  assert.throws(() => compare({ ...fleet({ destination: 'D' }), destinations: {} }), {
    code: 'FLEET_DESTINATION_UNKNOWN',
  });
});

test('a migration that another host took over is not one whose agent the file changes', () => {
  const of = (linkspan: object) =>
    compareFleet(fleet(), { destinations: [], migrations: [migration({ migrationHosts: ['n'] }, linkspan)] }, false);
  assert.throws(() => of({}), { code: 'FLEET_CHANGE_REFUSED', message: /agent of entry orders from n to m/ });
  const { entries } = of({ takenOver: { at: '2026-12-01T00:00:00Z', fromHost: 'm' } });
  assert.equal(entries[0]?.action, 'SAME');
});

test('a failed migration is replaced when asked, with the next number, also by one with another source', () => {
  const failed = [migration({ status: 'FAILED' }), migration({ status: 'FAILED' })];
  const changed = fleet({ source: { ...SOURCE, cluster: 'shop' } });
  const { entries } = compareFleet(changed, { destinations: [], migrations: failed }, true);
  assert.deepEqual([entries[0]?.action, entries[0]?.attempt], ['CREATE', 3]);
});

test('the differences say when a migration will drop the databases of its destination', () => {
  const diff = compareFleet(fleet({ drop: true }), { destinations: [], migrations: [] }, false);
  assert.match(diffText('spring', diff), /^\+ create +orders +wave 1 +m: orders → C, drops the databases of/m);
});
