import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { redact } from '../../src/platform/index.ts';

test('no text keeps the credentials of a connection string', () => {
  assert.equal(
    redact('Invalid connection string "mongodb://u:p@ss@h1,h2/?a=b" and mongodb+srv://x:y@z'),
    'Invalid connection string "mongodb://***@h1,h2/?a=b" and mongodb+srv://***@z',
  );
  assert.equal(
    redact('connect ECONNREFUSED 127.0.0.1:27017, mail a@b'),
    'connect ECONNREFUSED 127.0.0.1:27017, mail a@b',
  );
});

test('a host that the driver cannot parse is not repeated: with a forgotten @ it is user and password', () => {
  assert.throws(
    () => new MongoClient('mongodb://user:canary/?replicaSet=rs'),
    (error: Error) => {
      assert.match(error.message, /canary/, 'the driver quotes it');
      assert.equal(redact(error.message), 'a host in it is not a name or address with an optional port');
      return true;
    },
  );
});

test('a long text of a hostile server is redacted quickly', () => {
  for (const part of ['x', 'a://', 'Unable to parse ', ' with URL', 'a://@']) {
    const text = redact(`${part.repeat(1_000_000)} mongodb://mover:canary@db.example`);
    assert.ok(text.endsWith('mongodb://***@db.example') && !text.includes('canary'), part);
  }
});
