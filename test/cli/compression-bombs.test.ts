import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type Attack, compressedZeros, startHostileServer } from '../support/hostile-server.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';

const MEBIBYTE = 1024 * 1024;
const BOMB_BYTES = 1024 * MEBIBYTE;
/** The bytes that fit a message. */
const HONEST_BYTES = 40_000_000;

const bombs: readonly (readonly [string, Pick<Extract<Attack, { kind: 'bomb' }>, 'bytes' | 'whenAsked'>, RegExp])[] = [
  ['that no one asked for', { bytes: BOMB_BYTES }, /the request was not compressed/],
  ['that names its size', { bytes: BOMB_BYTES, whenAsked: true }, /its header names 1073741824 bytes/],
  ['that names a smaller size', { bytes: HONEST_BYTES, whenAsked: true }, /larger than 40000000 bytes/],
];

let source: ReplicaSet;
before(async () => {
  source = await startReplicaSet();
});
after(() => source[Symbol.asyncDispose]());

for (const compressor of ['zlib', 'zstd'] as const) {
  const zeros = compressedZeros(BOMB_BYTES, compressor);
  for (const [what, bomb, reason] of bombs)
    test(`a destination's ${compressor} reply of 1 GB ${what} ends the migration, within its memory`, {
      skip: process.platform !== 'linux' && '/proc is read',
    }, async () => {
      await using hostile = await startHostileServer({ kind: 'bomb', zeros: await zeros, compressor, ...bomb });
      const destination = `mongodb://127.0.0.1:${hostile.port}/?replicaSet=rs`;
      const clusters = ['--cluster0', source.uri, '--cluster1', destination];
      await using linkspan = runLinkspan(['sync', '--once', ...clusters, '--compression', compressor]);
      let mostKilobytes = 0;
      const measuring = setInterval(() => {
        mostKilobytes = Math.max(mostKilobytes, peakKilobytes(linkspan.pid));
      }, 20);
      const { code } = await linkspan.exit.finally(() => clearInterval(measuring));
      assert.equal(code, 2, linkspan.stderr);
      assert.match(linkspan.stderr, /\[COMPRESSED_REPLY_REFUSED\]/);
      assert.match(linkspan.stderr, reason);
      // The shipped limit of a migration.
      assert.ok(mostKilobytes > 0 && mostKilobytes < 512 * 1024, `${mostKilobytes} kB`);
    });
}

/** The most memory that a process has used so far; 0 when it has ended. */
function peakKilobytes(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
