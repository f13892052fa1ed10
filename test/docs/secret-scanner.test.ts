import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatLinkToken, newLinkToken } from '../../src/link/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const root = new URL('../..', import.meta.url).pathname;

test('secretlint, configured as in docs/secure/security-model.md, finds a link-token in a file, and nothing in the file without it', () => {
  using folder = temporaryFolder('secretlint');
  const page = readFileSync(join(root, 'docs/secure/security-model.md'), 'utf8');
  const rules = join(folder.path, '.secretlintrc.json');
  writeFileSync(rules, /```json\n(.*?)```/s.exec(page)?.[1] ?? '');
  const scan = (token: string) => {
    const file = join(folder.path, 'agent.env');
    writeFileSync(file, `LINKSPAN_HOST=mover\nLINKSPAN_LINK_TOKEN="${token}"\n`);
    const program = join(root, 'node_modules/.bin/secretlint');
    const { status, stdout, stderr } = spawnSync(program, ['--secretlintrc', rules, '--format', 'json', file], {
      cwd: root, // Its rule is installed there.
      encoding: 'utf8',
    });
    assert.ok(status === 0 || status === 1, stderr);
    const [{ messages = [] } = {}]: { messages?: { loc: { start: { line: number } } }[] }[] = JSON.parse(
      stdout || '[]',
    );
    return messages.map(({ loc }) => loc.start.line);
  };
  assert.deepEqual(
    scan(
      formatLinkToken(
        newLinkToken({ serverUrl: 'https://linkspan.example:8443', serverKey: 's'.repeat(43), keyPin: 'k'.repeat(43) }),
      ),
    ),
    [2],
  );
  assert.deepEqual(scan('mlt_0123456789ab'), []);
});
