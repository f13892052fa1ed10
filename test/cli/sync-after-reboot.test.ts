import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { openSyncWith, type SyncProcess } from '../support/sync-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { commit, fill, TAKEN_OVER_WITHIN_MS, untilLeading, urisOf } from './leader-and-standby.ts';

const skip = needsSource('6.0', 'it has no write block');
const unit = readFileSync(new URL('../../deploy/linkspan-sync@.service', import.meta.url), 'utf8');

/** The arguments with which the unit starts Linkspan, with another configuration file. */
function argumentsOf(configuration: string): string[] {
  const [, words = ''] = /^ExecStart=\/opt\/linkspan\/bin\/linkspan (.*)$/m.exec(unit) ?? [];
  const args = words.replace('/run/credentials/%n/configuration', configuration).split(' ');
  assert.ok(args.includes(configuration));
  return args;
}

const untilCopying = ({ progress }: SyncProcess) =>
  eventually(async () => (await progress()).linkspan?.copy?.documentsCopied > 0, {
    what: 'copied documents',
    deadlineMs: TAKEN_OVER_WITHIN_MS,
  });

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
    first.linkspan.kill('SIGKILL');
    await first.linkspan.exit;
  }
  {
    await using second = await openSyncWith(args);
    await untilCopying(second);
    // As systemd ends it at a reboot.
    second.linkspan.kill('SIGTERM');
    assert.equal((await second.linkspan.exit).code, 4);
  }
  await using third = await openSyncWith(args);
  await untilLeading(third);
  await commit(third, pair);
});
