import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerKey, sealTo } from '../../src/link/index.ts';

const TEXT = 'mongodb://mover:canary@d/ – ü';

test('a sealed text opens only with its key, and only unchanged', () => {
  const key = new AnswerKey();
  const sealed = sealTo(key.publicKey, TEXT);
  assert.equal(key.open(sealed), TEXT);
  assert.ok(!Buffer.from(sealed, 'base64url').includes('canary'));
  assert.notEqual(sealTo(key.publicKey, TEXT), sealed);
  assert.throws(() => new AnswerKey().open(sealed));
  // These bytes are in the sender's key, the nonce, the tag and the text.
  for (const at of [0, 33, 45, 61]) {
    const changed = Buffer.from(sealed, 'base64url');
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => key.open(changed.toString('base64url')), `byte ${at}`);
  }
  for (const cut of ['', sealed.slice(0, 60)]) assert.throws(() => key.open(cut));
});

test('a text that is not an X25519 key is refused', () => {
  for (const key of ['', 'short', 'A'.repeat(43)]) assert.throws(() => sealTo(key, TEXT), key);
});
