import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { readHooks, takes } from '../../src/hooks/index.ts';
import { hooksFolder, newSecret } from './hooks-folder.ts';

const URL = 'https://hooks.example.com/events';

test('a secret comes from a file of mode 600 or from the environment, and an error has none of it', () => {
  using folder = hooksFolder();
  const fromFile = folder.write({ hooks: [{ name: 'pager', url: URL, secretFile: 'hook.secret' }] });
  assert.equal(readHooks(fromFile).hooks[0]?.kind, 'webhook');
  const refused = (secret: string, environment: NodeJS.ProcessEnv, why: RegExp) =>
    assert.throws(
      () => readHooks(fromFile, environment),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'HOOK_SECRET_UNUSABLE');
        assert.match(error.message, why);
        assert.ok(secret === '' || !error.message.includes(secret));
        return true;
      },
    );
  chmodSync(folder.secretFile, 0o640);
  refused(folder.secret, {}, /its mode is 640/);
  chmodSync(folder.secretFile, 0o600);
  for (const [text, why] of [
    ['whsec_c2hvcnQ=', /is not whsec_ and 24 to 64 bytes in base64/],
    ['a-passphrase-without-the-prefix-that-is-long', /is not whsec_/],
    ['', /has no secret/],
    [`${newSecret()} ${newSecret()} ${newSecret()}`, /more than two/],
  ] as const) {
    writeFileSync(folder.secretFile, text);
    refused(text, {}, why);
  }
  const fromEnvironment = folder.write({ hooks: [{ name: 'pager', url: URL, secretEnvironment: 'PAGER' }] });
  assert.throws(() => readHooks(fromEnvironment, {}), /the environment variable PAGER has no secret/);
  assert.equal(readHooks(fromEnvironment, { PAGER: newSecret() }).hooks.length, 1);
});

test('what a hooks file gets wrong is refused with the place and the reason', () => {
  using folder = hooksFolder();
  const good = { name: 'pager', url: URL, secretFile: 'hook.secret' };
  const refused: [object, RegExp][] = [
    [
      { ...good, url: 'http://hooks.example.com/' },
      /https:\/\/ without user and password; http:\/\/ only to this machine/,
    ],
    [{ ...good, url: 'https://user:secret@hooks.example.com/' }, /without user and password/],
    [{ ...good, url: 'file:///etc/passwd' }, /https:/],
    [{ ...good, command: ['/bin/true'] }, /either url or command/],
    [{ name: 'pager' }, /either url or command/],
    [{ name: 'pager', url: URL }, /secretFile or secretEnvironment with a url/],
    [{ name: 'pager', command: ['true'] }, /absolute path/],
    [{ name: 'pager', command: '/bin/true --flag' }, /command/],
    [{ ...good, events: ['migration.done'] }, /events/],
    [{ ...good, retries: 3 }, /unknown key/],
    [{ ...good, name: 'a b' }, /name/],
  ];
  for (const [hook, why] of refused)
    assert.throws(
      () => readHooks(folder.write({ hooks: [hook] })),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'CONFIGURATION_INVALID', error.message);
        assert.match(error.message, why);
        assert.doesNotMatch(error.message, /user:secret/);
        return true;
      },
    );
  assert.throws(() => readHooks(folder.write({ hooks: [good, good] })), /two hooks have the same name/);
});

test('a hook takes the events, the organization and the project that it names, and everything where it names none', () => {
  using folder = hooksFolder();
  const [org, other] = ['a'.repeat(24), 'b'.repeat(24)];
  const base = { url: URL, secretFile: 'hook.secret' };
  const hooks = [
    { name: 'all', ...base },
    { name: 'failures', ...base, events: ['migration.failed'] },
    { name: 'org', ...base, orgId: org },
    { name: 'project', ...base, groupId: other },
  ];
  const { hooks: read } = readHooks(folder.write({ hooks }));
  const takenBy = (type: 'migration.expired' | 'migration.cancelled', orgId: string, groupId: string) => {
    const data = { migrationId: 'm', orgId, groupId };
    const event = { id: '1', timestamp: '2026-11-01T12:00:00.000Z', type, data };
    return read.filter((hook) => takes(hook, event)).map(({ name }) => name);
  };
  assert.deepEqual(takenBy('migration.expired', org, org), ['all', 'org']);
  assert.deepEqual(takenBy('migration.cancelled', other, other), ['all', 'project']);
});
