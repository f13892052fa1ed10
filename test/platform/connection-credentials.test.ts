import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { messageOf, whyInvalid, whyUnreadable } from '../../src/platform/index.ts';

const HINT = /user name or password .* percent-encoded.*@ as %40/;

test('a reserved character in a password is named as the problem, without any part of the password', () => {
  const passwords = [
    'cana@ry',
    'cana:ry',
    'cana/ry',
    'cana%ry',
    'cana?ry',
    'cana#ry',
    'cana[ry',
    'c@a/ry',
    'c@a?ry',
    '%ff',
  ];
  for (const password of passwords) {
    for (const uri of [
      `mongodb://user:${password}@host1:27017,host2/shop?replicaSet=rs0`,
      `mongodb+srv://user:${password}@cluster.example.com/?w=majority`,
      `mongodb://${password}:pw@host1/`,
    ]) {
      const why = whyOf(uri) ?? '';
      assert.match(why, HINT, uri);
      assert.doesNotMatch(why, /cana|ry\b/, uri);
    }
  }
});

test('connection strings that the driver reads as intended are accepted', () => {
  for (const uri of [
    'mongodb://user:c%40n%3Aa%2Fr%25y@host1/?replicaSet=rs0',
    'mongodb://user@host1',
    'mongodb://user:ü $&!@host1,host2:27018/shop',
    'mongodb://user:pw@host1/?appName=a@b',
    'mongodb://host1,host2/shop?replicaSet=rs0',
    'mongodb+srv://user:pw@cluster.example.com/',
  ]) {
    assert.equal(whyOf(uri), undefined, uri);
  }
});

test("another problem is reported in the driver's words", () => {
  assert.match(whyOf('mongodb://user:pw@host1/?tls=maybe') ?? '', /tls/);
  assert.match(whyOf('mongo://host') ?? '', /scheme/);
  assert.doesNotMatch(whyOf('mongodb://user:canary') ?? 'canary', /canary/);
});

function whyOf(uri: string): string | undefined {
  const unreadable = whyUnreadable(uri);
  if (unreadable !== undefined) return unreadable;
  try {
    new MongoClient(uri);
    return undefined;
  } catch (error) {
    return whyInvalid(uri, messageOf(error));
  }
}
