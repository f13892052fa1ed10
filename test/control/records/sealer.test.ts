import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadMasterKeys, replaceMasterKeys, type Sealed, Sealer } from '../../../src/control/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const place = { kind: 'clusters', id: '1', field: 'connectionString' };

test('a sealed secret opens with the same master key, and does not contain the plain secret', () => {
  const key = randomBytes(32);
  fc.assert(
    fc.property(fc.string({ minLength: 12 }), (secret) => {
      const sealed = new Sealer([key]).seal(secret, place);
      assert.ok(!sealed.includes(secret) && !Buffer.from(sealed, 'base64url').includes(secret));
      assert.equal(new Sealer([key]).open(sealed, place), secret);
    }),
  );
});

test('a sealed secret does not open with another key, in another place, or after a change', () => {
  const sealer = new Sealer([randomBytes(32)]);
  const sealed = sealer.seal('secret', place);
  assert.throws(() => new Sealer([randomBytes(32)]).open(sealed, place));
  for (const other of [
    { ...place, kind: 'x' },
    { ...place, id: '2' },
    { ...place, field: 'x' },
  ]) {
    assert.throws(() => sealer.open(sealed, other));
  }
  for (let at = 0; at < Buffer.from(sealed, 'base64url').length; at++) {
    const bytes = Buffer.from(sealed, 'base64url');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    assert.throws(() => sealer.open(bytes.toString('base64url') as Sealed, place));
  }
});

test('sealing the same secret twice returns different texts', () => {
  const sealer = new Sealer([randomBytes(32)]);
  assert.notEqual(sealer.seal('secret', place), sealer.seal('secret', place));
});

test('a secret of another key opens while that key exists, and a sealer never removes the key in use', () => {
  const [former, next] = [randomBytes(32), randomBytes(32)];
  const sealed = new Sealer([former]).seal('secret', place);
  const sealer = new Sealer([former]);
  sealer.use([next, former]);
  assert.equal(sealer.open(sealed, place), 'secret');
  const sealedAgain = sealer.seal('secret', place);
  assert.ok(sealedAgain.startsWith(sealer.mark) && !sealed.startsWith(sealer.mark));
  sealer.use([next]);
  assert.throws(() => sealer.open(sealed, place), /needs another master key/);
  assert.equal(sealer.open(sealedAgain, place), 'secret');
  assert.throws(() => sealer.use([former]), /the key in use is not among them/);
});

test('a derived key belongs to one purpose and to the sealing key of the moment, before and after a rotation', () => {
  const [former, next] = [randomBytes(32), randomBytes(32)];
  const keyOf = (key: Buffer, purpose: string) => new Sealer([key]).deriveKey(purpose);
  const sealer = new Sealer([former]);
  assert.deepEqual(sealer.deriveKey('tokens'), keyOf(former, 'tokens'));
  assert.deepEqual(sealer.deriveKey('nonces'), keyOf(former, 'nonces'));
  const keys = [former, next].flatMap((key) => [keyOf(key, 'tokens'), keyOf(key, 'nonces')]);
  assert.equal(new Set(keys.map((key) => key.toString('hex'))).size, 4);
  sealer.use([next, former]);
  assert.deepEqual(sealer.deriveKey('tokens'), keyOf(next, 'tokens'));
  assert.deepEqual(sealer.deriveKeys('tokens'), [keyOf(next, 'tokens'), keyOf(former, 'tokens')]);
});

test('the master key is created once, readable only by its owner, and then read again', () => {
  using folder = temporaryFolder('master-key');
  const file = join(folder.path, 'master.key');
  const [key] = loadMasterKeys(file, true);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(loadMasterKeys(file, true), [key]);
  assert.deepEqual(Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url'), key);
});

test('a missing master key is not recreated when sealed secrets exist, and a damaged one is named', () => {
  using folder = temporaryFolder('master-key');
  const file = join(folder.path, 'master.key');
  assert.throws(() => loadMasterKeys(file, false), /master key file .* cannot be used: ENOENT/);
  writeFileSync(file, 'short');
  chmodSync(file, 0o600);
  assert.throws(() => loadMasterKeys(file, true), /does not contain 32 bytes/);
});

test('a master key that others can read is refused', () => {
  using folder = temporaryFolder('master-key');
  const file = join(folder.path, 'master.key');
  loadMasterKeys(file, true);
  for (const mode of [0o644, 0o640, 0o604]) {
    chmodSync(file, mode);
    assert.throws(() => loadMasterKeys(file, false), /others may have read it/);
  }
  chmodSync(file, 0o400);
  assert.equal(loadMasterKeys(file, false).length, 1);
});

test('a symbolic link at the place of a draft is not followed', () => {
  using folder = temporaryFolder('master-key');
  const file = join(folder.path, 'master.key');
  const [key = Buffer.alloc(0)] = loadMasterKeys(file, true);
  const victim = join(folder.path, 'victim');
  writeFileSync(victim, 'untouched');
  symlinkSync(victim, `${file}.${process.pid}.new`);
  replaceMasterKeys(file, [key]);
  assert.equal(readFileSync(victim, 'utf8'), 'untouched');
  assert.deepEqual(loadMasterKeys(file, false), [key]);
});
