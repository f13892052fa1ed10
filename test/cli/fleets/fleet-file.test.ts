import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readFleet } from '../../../src/cli/fleets/fleet-file.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const SOURCE = { project: '5'.repeat(24), cluster: 'orders' };
const entry = (changes: object = {}) => ({ name: 'orders', agent: 'm', source: SOURCE, destination: 'C', ...changes });
const fleet = (changes: object = {}) => ({ fleet: 'spring', migrations: [entry()], ...changes });

test('a fleet file that is not valid is refused with the path of the field, and never with a password', () => {
  using folder = temporaryFolder('fleet-file');
  const file = join(folder.path, 'fleet.yaml');
  const refused = (content: object, message: RegExp) => {
    writeFileSync(file, JSON.stringify(content, null, 1), { mode: 0o600 });
    assert.throws(
      () => readFleet(file, { PASSWORD: 'canary' }),
      (error: Error & { readonly code?: string }) =>
        error.code === 'CONFIGURATION_INVALID' && message.test(error.message) && !error.message.includes('canary'),
      String(message),
    );
  };
  refused(fleet({ waves: 2 }), /line \d+: unknown key waves/);
  refused(fleet({ migrations: [entry({ wav: 2 })] }), /unknown key migrations\[0\]\.wav \(did you mean wave\?\)/);
  refused(
    fleet({ migrations: [entry({ source: { ...SOURCE, host: 'h' } })] }),
    /unknown key migrations\[0\]\.source\.host/,
  );
  refused(fleet({ migrations: [entry(), entry()] }), /migrations\[1\]\.name: two entries are called orders/);
  refused(fleet({ migrations: [] }), /migrations: /);
  refused(fleet({ migrations: Array.from({ length: 501 }, (_, at) => entry({ name: `e${at}` })) }), /migrations: /);
  refused(fleet({ migrations: [entry({ wave: 0 })] }), /migrations\[0\]\.wave: /);
  refused(
    fleet({ migrations: [entry({ labels: { 'linkspan/wave': '1' } })] }),
    /migrations\[0\]\.labels: .*linkspan\//,
  );
  refused(fleet({ limits: { perAgent: { other: 2 } } }), /limits\.perAgent\.other: no migration names this agent/);
  const written = 'mongodb://u:canary@h/?replicaSet=r';
  refused(fleet({ destinations: { C: { connectionString: written } } }), /a password is written here: .*\$\{NAME\}/);
  refused(
    fleet({ migrations: [entry({ source: { ...SOURCE, username: 'u', password: 'canary' } })] }),
    /a password is/,
  );
  writeFileSync(file, `${'#'.repeat(1_000_000)}\n`);
  assert.throws(() => readFleet(file), /not valid, line 1: it has more than 1 MB/);
});

test('passwords come from variables and files, also in a file that everyone may read', () => {
  using folder = temporaryFolder('fleet-file');
  const file = join(folder.path, 'fleet.yaml');
  writeFileSync(join(folder.path, 'password'), 'b\n');
  const destinations = { C: { connectionString: `mongodb://u:\${A}@h/?replicaSet=r` } };
  const source = { ...SOURCE, username: 'u', password: `\${file:password}` };
  writeFileSync(file, JSON.stringify(fleet({ destinations, migrations: [entry({ source })] })), { mode: 0o644 });
  const read = readFleet(file, { A: 'a' });
  assert.equal(read.destinations.C?.connectionString, 'mongodb://u:a@h/?replicaSet=r');
  assert.deepEqual([read.migrations[0]?.source.password, read.migrations[0]?.wave], ['b', 1]);
});

test('deploy/fleet.yaml is a fleet of two waves', () => {
  const file = fileURLToPath(new URL('../../../deploy/fleet.yaml', import.meta.url));
  const { fleet: name, migrations } = readFleet(file, {
    ORDERS_PASSWORD: 'a',
    SHOP_PASSWORD: 'b',
    STOCK_PASSWORD: 'c',
  });
  assert.deepEqual([name, ...migrations.map(({ wave }) => wave)], ['spring', 1, 1, 2]);
});
