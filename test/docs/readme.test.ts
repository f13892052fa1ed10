import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startPair } from '../support/replica-set.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { Reader } from './reader.ts';

checkForLeaks({ sockets: false });

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const [, fiveMinutes = ''] = /\n## Five minutes by hand\n(.*?)\n## /s.exec(readme) ?? [];

test("the README's five-minute example moves all data, and leaves nothing in the checkout", async () => {
  using home = temporaryFolder('readme');
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const orders = pair.source.client.db('shop').collection<{ _id: number }>('orders');
  await orders.insertMany(Array.from({ length: 500 }, (_, index) => ({ _id: index })));
  const given = { HOME: home.path, SOURCE: pair.source.uri, DESTINATION: pair.destination.uri };
  await using reader = new Reader(home.path, given);
  const [preparation = '', start = '', configuration = '', rest = ''] =
    /^(.*?)\n1\. (.*)```yaml\n(.*?)```(.*)$/s.exec(unindented(fiveMinutes))?.slice(1) ?? [];
  // The reader already has both connection strings and the path.
  const [, , makeFolder = ''] = preparation.split('```sh\n').map((block) => `\`\`\`sh\n${block}`);
  await reader.follow(makeFolder);
  assert.equal(statSync(join(home.path, 'linkspan')).mode & 0o777, 0o700);
  writeFileSync(join(home.path, 'linkspan/agent.yaml'), configuration);
  const commands = [...(await reader.follow(start)), ...(await reader.follow(rest))];
  assert.ok(commands.length >= 10, `only ${commands.length} commands were found`);
  const { documents } = await expectIdentical(pair);
  assert.equal(documents, 500);
  assert.ok(existsSync(join(home.path, 'linkspan/data/master.key')));
  assert.ok(existsSync(join(home.path, 'linkspan/linkspan-agent/agent.key')));
});

/** Removes the indentation of list items. */
function unindented(text: string): string {
  return text.replace(/^ {3}/gm, '');
}

test('every link of the README leads to a file of the repository', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path);
  assert.ok(links.length >= 20, `only ${links.length} links were found`);
  assert.deepEqual(
    links.filter((path) => !existsSync(join(ROOT, path))),
    [],
  );
});
