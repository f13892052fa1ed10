import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HOOK_EVENT_TYPES, hookEvent } from '../../src/hooks/index.ts';
import { signatures } from '../../src/hooks/signature.ts';
import { newSecret } from '../hooks/hooks-folder.ts';

const page = readFileSync(new URL('../../docs/operate/hooks.md', import.meta.url), 'utf8');
const example = /```json\n([^`]+)```/.exec(page)?.[1] ?? '';

test('docs/operate/hooks.md has every event, and its example is one', () => {
  const listed = [...page.matchAll(/^\| `((?:migration|hooks)\.\w+)` \|/gm)].map(([, type]) => type);
  assert.deepEqual(listed.sort(), [...HOOK_EVENT_TYPES, 'hooks.test'].sort());
  const event = JSON.parse(example);
  assert.deepEqual(hookEvent.parse(event), event);
});

for (const [language, program, file] of [
  ['Node.js', process.execPath, 'verify-hook.mjs'],
  ['Python', 'python3', 'verify-hook.py'],
] as const) {
  const skip = spawnSync(program, ['--version']).error !== undefined && `${program} is not installed`;
  test(`the example in ${language} accepts what Linkspan signs, and nothing that differs or is old`, { skip }, () => {
    const [former, secret] = [newSecret(), newSecret()];
    const keys = [former, secret].map((one) => Buffer.from(one.slice('whsec_'.length), 'base64'));
    const path = fileURLToPath(new URL(`../../docs/examples/${file}`, import.meta.url));
    const now = Math.floor(Date.now() / 1000);
    const verdict = (change: { id?: string; body?: string; atSeconds?: number; secret?: string } = {}) => {
      const timestamp = String(change.atSeconds ?? now);
      const signature = signatures(keys, { id: 'id-1', timestamp, body: example });
      const { stdout, status } = spawnSync(program, [path, change.id ?? 'id-1', timestamp, signature], {
        input: change.body ?? example,
        env: { ...process.env, HOOK_SECRET: change.secret ?? secret },
        encoding: 'utf8',
      });
      return [stdout.trim(), status];
    };
    const refused = ['not signed', 1];
    assert.deepEqual(verdict(), ['migration.window_ending', 0]);
    assert.deepEqual(verdict({ secret: former }), ['migration.window_ending', 0]);
    assert.deepEqual(verdict({ secret: newSecret() }), refused);
    assert.deepEqual(verdict({ body: `${example} ` }), refused);
    assert.deepEqual(verdict({ id: 'id-2' }), refused);
    assert.deepEqual(verdict({ atSeconds: now - 600 }), refused);
  });
}
