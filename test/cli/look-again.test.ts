import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookAgain } from '../../src/cli/administration/look-again.ts';
import { UserError } from '../../src/platform/index.ts';

test('a look is repeated while the server is away or takes no more requests, and ends with any other error', async () => {
  const answers = [
    'first',
    new UserError('API_UNREACHABLE', ['http://server', 'refused']),
    new UserError('API_RATE_LIMITED', ['0', 'the limit']),
    'second',
    new UserError('API_UNAUTHORIZED', ['http://server', 'API key', 'deleted']),
  ];
  const look = async () => {
    const answer = answers.shift();
    if (answer instanceof UserError) throw answer;
    return answer;
  };
  const seen: (string | undefined)[] = [];
  await assert.rejects(
    async () => {
      for await (const found of lookAgain(look, new AbortController().signal)) seen.push(found);
    },
    { code: 'API_UNAUTHORIZED' },
  );
  assert.deepEqual(seen, ['first', 'second']);
});

test('a look that is stopped ends at once, also while the server is silent', async () => {
  const stop = new AbortController();
  const looking = lookAgain(() => new Promise<string>(() => undefined), stop.signal);
  const first = looking.next();
  stop.abort();
  assert.deepEqual(await first, { done: true, value: undefined });
});
