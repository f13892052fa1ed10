import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Link, Wire } from '../../../src/engine/bson/wire.ts';

/** A link with this number of replies, which took this long at least. */
function linkAfter(replies: number, fastestMs: number, mode: ConstructorParameters<typeof Wire>[1] = 'auto'): Link {
  const link = new Link(new Wire('destination', mode));
  for (let reply = 0; reply < replies; reply += 1) link.answered(reply === 0 ? fastestMs : fastestMs + 500);
  return link;
}

test('auto compresses where the fastest of ten replies took more than 2 ms', () => {
  assert.equal(linkAfter(10, 2.1).compressorFor('zstd'), 'zstd');
  assert.equal(linkAfter(10, 2).compressorFor('zstd'), undefined);
  assert.equal(linkAfter(10_000, 0.3).compressorFor('zstd'), undefined);
  assert.equal(linkAfter(9, 200).compressorFor('zstd'), undefined);
  const link = linkAfter(10, 200);
  link.answered(1);
  assert.equal(link.compressorFor('zstd'), undefined, 'no link is shorter than its fastest reply');
});

test('a compressor that the server has not agreed to is never used', () => {
  for (const agreed of [undefined, 'none', 'snappy']) {
    assert.equal(linkAfter(10, 200).compressorFor(agreed), undefined);
    assert.equal(linkAfter(0, 0, 'zlib').compressorFor(agreed), undefined);
  }
});

test('off offers nothing, and a named compressor is the only one, at any distance', () => {
  assert.deepEqual(new Wire('source', 'auto').offered, ['zstd', 'zlib']);
  assert.deepEqual(new Wire('source', 'off').offered, []);
  for (const mode of ['zstd', 'zlib'] as const) {
    assert.deepEqual(new Wire('source', mode).offered, [mode]);
    assert.equal(linkAfter(0, 0, mode).compressorFor(mode), mode);
  }
});
