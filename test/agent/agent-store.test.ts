import assert from 'node:assert/strict';
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AgentStore } from '../../src/agent/agent-store.ts';
import { publicKeyOf } from '../../src/link/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const link = {
  serverKeys: ['k'.repeat(43)],
  serverUrl: 'https://l.example.com',
  tokenId: 't',
  agentId: 'a',
  linkId: 'l',
  orgId: 'o',
};

test('key and link survive a restart, and only their owner can read them', () => {
  using folder = temporaryFolder('agent-store');
  const directory = join(folder.path, 'deep', 'state');
  const before = new AgentStore(directory);
  assert.equal(before.link(), undefined);
  const publicKey = publicKeyOf(before.key());
  before.saveLink(link);

  const after = new AgentStore(directory);
  assert.equal(publicKeyOf(after.key()), publicKey);
  assert.deepEqual(after.link(), { version: 1, ...link });
  assert.deepEqual(readdirSync(directory).sort(), ['agent.key', 'link.json']);
  for (const [path, mode] of [
    [directory, 0o700],
    [join(directory, 'agent.key'), 0o600],
    [join(directory, 'link.json'), 0o600],
  ] as const) {
    assert.equal(statSync(path).mode & 0o777, mode, path);
  }
});

test('only the link that has ended is retired, and not one that was made since', () => {
  using folder = temporaryFolder('agent-store');
  const store = new AgentStore(folder.path);
  const publicKey = publicKeyOf(store.key());
  store.saveLink(link);
  store.retireLink('an earlier link');
  assert.deepEqual([store.link()?.linkId, store.endedLink()], [link.linkId, undefined]);
  store.retireLink(link.linkId);
  const ended = store.endedLink();
  assert.ok(ended);
  assert.deepEqual([store.link(), ended.link.linkId, publicKeyOf(ended.key)], [undefined, link.linkId, publicKey]);
});

test('a half-written file that a crash left beside the real one does no harm', () => {
  using folder = temporaryFolder('agent-store');
  writeFileSync(join(folder.path, 'agent.key.new'), '-----BEGIN PRIV');
  const publicKey = publicKeyOf(new AgentStore(folder.path).key());
  assert.equal(publicKeyOf(new AgentStore(folder.path).key()), publicKey);
});

test('the error names a damaged file or an unusable directory', () => {
  using folder = temporaryFolder('agent-store');
  writeFileSync(join(folder.path, 'link.json'), '{');
  writeFileSync(join(folder.path, 'agent.key'), 'not a key', { mode: 0o600 });
  const store = new AgentStore(folder.path);
  assert.throws(() => store.link(), { code: 'AGENT_DATA_UNUSABLE' });
  assert.throws(() => store.key(), { code: 'AGENT_DATA_UNUSABLE' });
  assert.throws(() => new AgentStore(join(folder.path, 'link.json', 'x')), { code: 'AGENT_DATA_UNUSABLE' });
});

test('a key that others can read is refused and not replaced', () => {
  using folder = temporaryFolder('agent-store');
  const store = new AgentStore(folder.path);
  const publicKey = publicKeyOf(store.key());
  const file = join(folder.path, 'agent.key');
  for (const mode of [0o640, 0o604, 0o660]) {
    chmodSync(file, mode);
    assert.throws(() => store.key(), { code: 'AGENT_KEY_EXPOSED', message: new RegExp(`mode ${mode.toString(8)}`) });
  }
  chmodSync(file, 0o400);
  assert.equal(publicKeyOf(store.key()), publicKey);
});
