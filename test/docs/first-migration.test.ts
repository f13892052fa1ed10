import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findCurl, skipReason } from '../atlas-api/foreign-clients.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startPair } from '../support/replica-set.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { Reader } from './reader.ts';

checkForLeaks({ sockets: false });

const curl = await findCurl();
const page = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const [NEED = '', WITH_LINKSPAN = '', WITH_CURL = ''] = page('get-started/first-migration.md').split(
  /\n## With .*\n|\n## Further\n/,
);
const [, CONFIGURATION = ''] = /```yaml\n(.*?)```/s.exec(NEED) ?? [];

/** Follows a part of the page, starting in an empty folder. @returns the commands */
async function migrate(part: string, then?: (reader: Reader) => Promise<unknown>): Promise<string[]> {
  using folder = temporaryFolder('first-migration');
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const orders = pair.source.client.db('shop').collection<{ _id: number }>('orders');
  await orders.insertMany(Array.from({ length: 500 }, (_, index) => ({ _id: index })));
  writeFileSync(join(folder.path, 'agent.yaml'), CONFIGURATION);
  await using reader = new Reader(folder.path, { SOURCE: pair.source.uri, DESTINATION: pair.destination.uri });
  const commands = await reader.follow(part);
  const { documents } = await expectIdentical(pair);
  assert.equal(documents, 500);
  assert.equal((await reader.agent?.exit)?.code, 2);
  assert.match(reader.agent?.stderr ?? '', /LINK_DELETED/);
  await then?.(reader);
  return commands;
}

test('a newcomer gets from an empty directory to a finished migration with the command line alone, and can administer', async () => {
  const administer = async (reader: Reader) => {
    const pages = ['operate/administration.md', 'secure/audit.md', 'operate/backups.md'].map(page);
    const { length } = await reader.follow(pages.join('\n'));
    assert.ok(length >= 8, `only ${length} commands of docs/operate/administration.md and its parts were found`);
  };
  const commands = await migrate(WITH_LINKSPAN, administer);
  assert.ok(commands.length >= 13, `only ${commands.length} commands were found`);
  assert.deepEqual(
    commands.filter((command) => !/^(.* )?linkspan /m.test(command) || /curl|api /.test(command)),
    [],
  );
});

test('a newcomer gets from an empty directory to a finished migration with curl alone', {
  skip: skipReason(curl),
}, async () => {
  const commands = await migrate(WITH_CURL);
  assert.ok(commands.length >= 14, `only ${commands.length} commands were found`);
  const withLinkspan = commands.filter((command) => command.includes('linkspan '));
  assert.deepEqual(
    withLinkspan.map((command) => /linkspan (\w+)/.exec(command)?.[1]),
    ['serve', 'agent'],
  );
});
