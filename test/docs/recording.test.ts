import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runLinkspan } from '../support/linkspan-process.ts';
import { terminalSvg } from './terminal-svg.ts';

const image = readFileSync(new URL('../../docs/images/terminal.svg', import.meta.url), 'utf8');
const text = image.replaceAll(/<style>[\s\S]*?<\/style>|<[^>]*>/g, '');

test('the commands of the recording are those of the program, and it ends with equal sides', async () => {
  const commands = [...text.matchAll(/^\$ linkspan (\w+) (.*)$/gm)];
  assert.deepEqual(
    commands.map(([, name]) => name),
    ['plan', 'sync', 'verify'],
  );
  for (const [line, name = '', rest = ''] of commands) {
    await using linkspan = runLinkspan([name, '--help']);
    assert.equal((await linkspan.exit).code, 0, line);
    for (const [flag] of rest.matchAll(/--[\w-]+/g)) assert.ok(linkspan.stdout.includes(flag), line);
  }
  assert.match(text, /^Equal\. Both sides have the same/m);
  assert.doesNotMatch(image.replace('xmlns="http://www.w3.org/2000/svg"', ''), /<script|href|url\(|https?:/);
});

test('a line with colours is drawn with them, escaped, and broken between words where the terminal ends', () => {
  const row = `\u001b[33mWarning\u001b[39m: ${'word '.repeat(30)}a < b`;
  const svg = terminalSvg([{ atMs: 1_500, text: row, isTyped: false }]);
  assert.match(svg, /<tspan fill="#f0c060">Warning<\/tspan>: word/);
  assert.match(svg, /a &lt; b<\/text>/);
  assert.equal(svg.match(/animation-delay:1\.50s/g)?.length, 2);
  assert.ok(!svg.includes('\u001b'));
});
