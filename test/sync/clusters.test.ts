import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkUris, migrationIdOf } from '../../src/sync/clusters.ts';

function idOf(cluster0: string, cluster1: string, mode = 'continuous'): string {
  return migrationIdOf({ cluster0, cluster1 }, 'cluster0', 'cluster1', mode);
}

test('the same two clusters are the same migration after a restart, in any order and with any password', () => {
  const id = idOf('mongodb://u:p@a:1,b:2/?replicaSet=s', 'mongodb+srv://d.example.com');
  assert.match(id, /^[0-9a-f]{24}$/);
  assert.equal(idOf('mongodb://v:q@B:2,A:1/?replicaSet=s&appName=x', 'mongodb+srv://x:y@d.example.com'), id);
});

test('other clusters, the other direction and another mode are other migrations', () => {
  const [a, b] = ['mongodb://a', 'mongodb://b'];
  const ids = [
    idOf(a, b),
    idOf(b, a),
    idOf(a, b, 'once 1'),
    idOf(a, b, 'once 2'),
    idOf('mongodb://a:27018', b),
    idOf('mongodb://a/?replicaSet=s', b),
  ];
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(migrationIdOf({ cluster0: a, cluster1: b }, 'cluster1', 'cluster0', 'continuous'), idOf(b, a));
});

test('an invalid connection string is refused with the name of its cluster, and never shown', () => {
  for (const wrong of [
    '',
    'secret',
    'http://u:secret@a',
    'mongodb://u:secret@a:99999',
    'mongodb://u:sec/ret@a',
    'mongodb://',
  ]) {
    assert.throws(
      () => checkUris({ cluster0: 'mongodb://a', cluster1: wrong }),
      (error: Error) => {
        assert.match(error.message, /^The connection string of the cluster given as cluster1 is not valid: .+\.$/);
        assert.doesNotMatch(error.message, /secret|sec\/ret/);
        return true;
      },
      wrong,
    );
  }
});
