import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON, UUID } from 'mongodb';
import { readIndexSpec } from '../../../src/engine/catalog/index-spec.ts';
import { whyNotToday } from '../../../src/engine/catalog/legacy-index.ts';
import { whyUnsupported } from '../../../src/engine/catalog/unsupported.ts';
import { sourceFeatures } from '../../../src/engine/mongodb/server-features.ts';

// A server of 5.0 or newer makes none of these, not even from its oplog, but data files of older servers may have them.

test('an index on a field that no server of today indexes is refused with the name', () => {
  const why = (key: object) => {
    const spec = readIndexSpec(Buffer.from(BSON.serialize({ v: 1, key, name: 'old' })));
    return spec && whyNotToday(spec.fields);
  };
  for (const field of ['$a', 'a.$b', '', 'a..b', 'a.', '.a', 'ä.']) {
    assert.equal(why({ ok: 1, [field]: 1 }), `whose key has the field name "${field}"`);
  }
  for (const field of ['a', 'a.$id', 'a.$ref', 'a.$db', '$**', 'a.$**', '_fts'])
    assert.equal(why({ [field]: 1 }), undefined);
});

test('a collection with $ in its name is refused', () => {
  const why = (name: string) =>
    whyUnsupported(
      { database: 'd', name, type: 'collection', uuid: new UUID(), options: new Map() },
      sourceFeatures('6.0'),
    );
  assert.match(why('a$b') ?? '', /\$ in its name/);
  assert.equal(why('a.b'), undefined);
});
