import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { openSyncWith } from '../support/sync-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { commit, fill, untilLeading, urisOf } from './leader-and-standby.ts';

const skip = needsSource('6.0', 'it has no write block');
const unit = readFileSync(new URL('../../deploy/linkspan-sync@.service', import.meta.url), 'utf8');

/** The arguments with which the unit starts Linkspan, with another configuration file. */
function argumentsOf(configuration: string): string[] {
  const [, words = ''] = /^ExecStart=\/opt\/linkspan\/bin\/linkspan (.*)$/m.exec(unit) ?? [];
  const args = words.replace('/run/credentials/%n/configuration', configuration).split(' ');
  assert.ok(args.includes(configuration));
  return args;
}

test('a migration of linkspan-sync@ with standby in its file resumes by itself after a reboot and after a loss of power', {
  skip,
}, async () => {
  await using pair = await startPair();
  await fill(pair);
  using folder = temporaryFolder('unit');
  const file = join(folder.path, 'orders.yaml');
  const { source, destination } = urisOf(pair);
  const settings = { cluster0: source, cluster1: destination, port: 0, standby: true, maxMegabytesPerSecond: 1 };
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 }); // JSON is YAML.
  const args = argumentsOf(file);
  {
    await using first = await openSyncWith(args);
    assert.equal((await first.progress()).state, 'IDLE', 'the file alone starts no migration');
    assert.equal((await first.call('start', { source: 'cluster0', destination: 'cluster1' })).success, true);
    await untilLeading(first);
    // As systemd ends it at a reboot.
    first.linkspan.kill('SIGTERM');
    assert.equal((await first.linkspan.exit).code, 4);
  }
  {
    await using second = await openSyncWith(args);
    await untilLeading(second);
    second.linkspan.kill('SIGKILL');
    await second.linkspan.exit;
  }
  await using third = await openSyncWith(args);
  await untilLeading(third);
  await commit(third, pair);
});
