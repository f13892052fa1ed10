import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkForLeaks } from './leak-check.ts';
import { expectHookReached, runLinkspan } from './linkspan-process.ts';

describe('a linkspan process of a test', () => {
  checkForLeaks();

  it('returns its output, and how it ended', async () => {
    await using linkspan = runLinkspan(['--version']);
    await linkspan.waitForLine(/^\d+\.\d+\.\d+$/);
    assert.deepEqual(await linkspan.exit, { code: 0, signal: null });
    assert.match(linkspan.stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it('fails a test that waits for a line that never comes', async () => {
    await using linkspan = runLinkspan(['--version']);
    await assert.rejects(linkspan.waitForLine(/ready/), /ended without a line like .*it wrote:\n\d/);
  });

  it('fails a test whose named point was not reached', async () => {
    await using linkspan = runLinkspan(['--version'], { hook: 'never=kill' });
    await assert.rejects(expectHookReached(linkspan), /was not reached/);
  });
});
