import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Logger, loggerTo } from '../../src/platform/index.ts';
import { LOG_EVENTS } from '../../src/platform/log-events/index.ts';

const src = new URL('../../src/', import.meta.url).pathname;
const sources = globSync('**/*.{ts,tsx}', { cwd: src })
  .filter((file) => !file.startsWith('platform/log-events/'))
  .map((file) => [file, readFileSync(`${src}${file}`, 'utf8')] as const);
const names = Object.values(LOG_EVENTS).flatMap((chapter) => Object.keys(chapter));

test('every log event is logged somewhere, and has a name of its own', () => {
  assert.equal(new Set(names).size, names.length);
  const code = sources.map(([, text]) => text).join('\n');
  for (const name of names) {
    assert.match(name, /^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$/);
    assert.ok(code.includes(`'${name}'`), `nothing logs ${name}`);
  }
});

test('every line that is logged begins with its event, and only the logger of the catalogue makes lines', () => {
  let calls = 0;
  for (const [file, text] of sources) {
    for (const [call, , line] of text.matchAll(
      /[lL]og(?:ger)?\??\.(fatal|error|warn|info|debug|trace)\(\s*(.{0,12})/g,
    )) {
      calls += 1;
      assert.match(String(line), /^\{ event[:,]/, `${file}: ${call}`);
    }
    if (file !== 'platform/logging.ts') assert.doesNotMatch(text, /from 'pino'/, file);
  }
  assert.ok(calls >= names.length, String(calls));
});

test('the compiler refuses lines without an event, or with another level or other fields than the catalogue has', () => {
  const lines: { event?: string }[] = [];
  const logger: Logger = loggerTo((line) => lines.push(JSON.parse(line)));
  logger.warn({ event: 'hook.queue_file_unreadable', file: 'hooks.json' }, 'text');
  // @ts-expect-error no event
  logger.warn('text');
  // @ts-expect-error no event
  logger.warn({ file: 'hooks.json' }, 'text');
  // @ts-expect-error an event that the catalogue lacks
  logger.warn({ event: 'hook.surprised', file: 'hooks.json' }, 'text');
  // @ts-expect-error another level than the catalogue's
  logger.error({ event: 'hook.queue_file_unreadable', file: 'hooks.json' }, 'text');
  // @ts-expect-error a field is missing
  logger.warn({ event: 'hook.queue_file_unreadable' }, 'text');
  // @ts-expect-error a field that the catalogue lacks
  logger.warn({ event: 'hook.queue_file_unreadable', file: 'hooks.json', secret: 1 }, 'text');
  assert.equal(lines[0]?.event, 'hook.queue_file_unreadable');
});
