import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { logEventsDocument, logEventsPage } from './log-events-document.ts';

test('docs/reference/log-events.md lists every log event, and no others', () => {
  assert.equal(readFileSync(logEventsPage, 'utf8'), logEventsDocument(), 'run npm run docs:log-events');
});
