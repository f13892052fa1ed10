import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkCluster } from '../../src/engine/index.ts';
import { knownVersion } from '../../src/engine/mongodb/server-features.ts';

const page = readFileSync(new URL('../../docs/plan/supported-versions.md', import.meta.url), 'utf8');
const SET = { sharded: false, replicaSet: true, featureCompatibilityVersion: '', privileges: undefined };

test('docs/plan/supported-versions.md and the code agree on what is tried, modelled and unknown', () => {
  const columns = ['TRIED', 'MODELLED', 'UNKNOWN'];
  for (const role of ['source', 'destination'] as const) {
    const [, ...cells] = new RegExp(`^\\| ${role} \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\|$`, 'm').exec(page) ?? [];
    assert.equal(cells.length, columns.length);
    for (const [n, cell] of cells.entries()) {
      for (const version of cell.split(', ')) {
        const standing = knownVersion(version);
        assert.equal(standing.known, columns[n], version);
        if (standing.known === 'MODELLED') assert.equal(standing.model, version);
        const cluster = { ...SET, mongoDBVersion: version } as unknown as Parameters<typeof checkCluster>[0];
        const found = (accepted: boolean) =>
          checkCluster(cluster, role, { acceptUntriedVersion: accepted }).map(({ error }) => error.code);
        assert.deepEqual(found(false), columns[n] === 'UNKNOWN' ? ['VERSION_TOO_NEW'] : [], version);
        assert.deepEqual(found(true), [], version);
      }
    }
  }
  for (const [between, model] of [
    ['8.1.2', '8.0'],
    ['8.3.0', '8.2'],
    ['9.0.2', '9.0.0'],
  ] as const) {
    assert.deepEqual(knownVersion(between), { known: 'MODELLED', model });
  }
});
