import assert from 'node:assert/strict';
import { test } from 'node:test';
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
