import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createZstdCompress, constants as zlib } from 'node:zlib';
import {
  COMPRESSORS,
  type Compressor,
  compressMessage,
  inflateMessage,
} from '../../../src/engine/bson/compressed-message.ts';
import { compressedZeros } from '../../support/hostile-server.ts';

const MEGABYTE = 1_000_000;
const LARGEST_BYTES = 48 * MEGABYTE;
const OP_MSG = 2013;
const OP_COMPRESSED = 2012;

/** An OP_MSG with this body. */
function messageOf(body: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(16 + body.length, 0);
  header.writeInt32LE(7, 4);
  header.writeInt32LE(8, 8);
  header.writeInt32LE(OP_MSG, 12);
  return Buffer.concat([header, body]);
}

/** A compressed message whose header says what its sender likes. */
function forged(compressed: Buffer, { bytes = 100, id = 3, opCode = OP_MSG } = {}): Buffer {
  const start = Buffer.alloc(25);
  start.writeInt32LE(start.length + compressed.length, 0);
  start.writeInt32LE(OP_COMPRESSED, 12);
  start.writeInt32LE(opCode, 16);
  start.writeInt32LE(bytes, 20);
  start.writeUInt8(id, 24);
  return Buffer.concat([start, compressed]);
}

const idOf = (compressor: Compressor) => ({ zlib: 2, zstd: 3 })[compressor];

test('this Node.js has both compressors', () => {
  assert.deepEqual(COMPRESSORS, ['zstd', 'zlib']);
});

for (const compressor of COMPRESSORS) {
  test(`a message is the same after ${compressor}, whatever its size and wherever its parts lie`, async () => {
    for (const bytes of [1, 63, 64, 5_000, LARGEST_BYTES - 16]) {
      const message = messageOf(Buffer.concat([randomBytes(Math.ceil(bytes / 2)), Buffer.alloc(bytes >> 1)]));
      const parts = [message.subarray(0, 16), message.subarray(16, 17), message.subarray(17)];
      const sent = Buffer.concat(await compressMessage(parts, compressor));
      assert.equal(sent.readInt32LE(0), sent.length);
      assert.ok((await inflateMessage(sent, compressor)).equals(message), `${bytes} bytes`);
    }
  });

  test(`a reply that says more than the largest message is refused before ${compressor} inflates it`, async () => {
    const zeros = await compressedZeros(64 * MEGABYTE, compressor);
    for (const bytes of [LARGEST_BYTES, 64 * MEGABYTE, 2 ** 31 - 1, 0, -1])
      await assert.rejects(inflateMessage(forged(zeros, { bytes, id: idOf(compressor) }), compressor), {
        message: `its header names ${bytes} bytes`,
      });
  });

  test(`a reply of ${compressor} that inflates to more or less than it says is refused`, async () => {
    const zeros = await compressedZeros(64 * MEGABYTE, compressor);
    const inflating = (bytes: number) => inflateMessage(forged(zeros, { bytes, id: idOf(compressor) }), compressor);
    await assert.rejects(inflating(100), { code: 'ERR_BUFFER_TOO_LARGE' });
    const short = await compressedZeros(50, compressor);
    await assert.rejects(inflateMessage(forged(short, { id: idOf(compressor) }), compressor), {
      message: 'it has 50 bytes, and its header names 100',
    });
    await assert.rejects(inflateMessage(forged(randomBytes(50), { id: idOf(compressor) }), compressor));
  });

  test(`a compressed reply to a message without ${compressor} is refused, and an uncompressed one is taken`, async () => {
    const zeros = await compressedZeros(100, compressor);
    const reply = forged(zeros, { id: idOf(compressor) });
    const other = compressor === 'zlib' ? 'zstd' : 'zlib';
    await assert.rejects(inflateMessage(reply, undefined), { message: 'the request was not compressed' });
    await assert.rejects(inflateMessage(reply, other), { message: /^its compressor has the number \d, and/ });
    await assert.rejects(inflateMessage(forged(zeros, { id: 1 }), compressor), { message: /number 1/ });
    await assert.rejects(inflateMessage(reply.subarray(0, 24), compressor), { message: 'it has only 24 bytes' });
    const nested = forged(zeros, { id: idOf(compressor), opCode: OP_COMPRESSED });
    await assert.rejects(inflateMessage(nested, compressor), { message: 'it contains a message of type 2012' });
    const plain = messageOf(Buffer.alloc(10));
    assert.equal(await inflateMessage(plain, compressor), plain);
  });
}

test('a frame of zstd that asks for more memory than the largest message is refused', async () => {
  const stream = createZstdCompress({ params: { [zlib.ZSTD_c_windowLog]: 27, [zlib.ZSTD_c_checksumFlag]: 0 } });
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  await new Promise<void>((resolve) => {
    stream.on('end', resolve).write(Buffer.alloc(10));
    stream.flush(() => stream.end(Buffer.alloc(90)));
  });
  await assert.rejects(inflateMessage(forged(Buffer.concat(parts)), 'zstd'), { message: /requires too much memory/ });
});
