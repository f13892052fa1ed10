import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { SOURCE_PROJECT, startControlPlane } from '../../agent/control-plane.ts';
import { AtlasClient } from '../../support/atlas-client.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { noTerminal, type RunOptions, runLinkspan } from '../../support/linkspan-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

checkForLeaks({ sockets: false });

const JSON_LINE = /^\{"level":40,"time":"[^"]+".*"msg":"security event"\}$/;
const TEXT_LINE = /^\[\d\d:\d\d:\d\d\] WARN: security event \{.*"reason"/;

/** Starts a server that refuses a key, and returns its log line about the refusal. */
async function refusedAttempt(args: readonly string[], options: RunOptions, line: RegExp): Promise<string> {
  using folder = temporaryFolder('log-format');
  await using server = runLinkspan(['serve', '--data-dir', folder.path, '--listen', '127.0.0.1:0', ...args], options);
  const [, url = ''] = await server.waitForLine(/linkspan serve: ready at (\S+),/);
  await new AtlasClient(url, 'nobody', 'wrong').request('GET', '/orgs');
  const [text] = await server.waitForLine(line);
  return text;
}

test('serve on a terminal prints readable log lines with coloured levels', { skip: noTerminal }, async () => {
  const text = await refusedAttempt([], { columns: 200 }, /.*WARN.*security event.*/);
  assert.match(stripVTControlCharacters(text), /^\[\d\d:\d\d:\d\d\] WARN: security event/);
  assert.ok(text.includes('\u001b[33mWARN\u001b[39m'), JSON.stringify(text));
});

test('a server that does not run on a terminal logs JSON, or text if a flag asks for it', async () => {
  assert.match(await refusedAttempt([], {}, /.*security event.*/), JSON_LINE);
  assert.match(await refusedAttempt(['--log-format', 'text'], {}, /.*security event.*/), TEXT_LINE);
  const env = { LINKSPAN_LOG_FORMAT: 'text' };
  assert.match(await refusedAttempt([], { env }, /.*security event.*/), TEXT_LINE);
});

test('a server on a terminal logs JSON if a flag asks for it', { skip: noTerminal }, async () => {
  assert.match(await refusedAttempt(['--log-format', 'json'], { columns: 200 }, /.*security event.*/), JSON_LINE);
});

test('an unknown log format is refused by name', async () => {
  await using server = runLinkspan(['serve', '--log-format', 'xml']);
  assert.equal((await server.exit).code, 2);
  assert.match(server.stderr, /--log-format <format>' argument 'xml' is invalid\. Allowed choices are json, text\./);
});

/** Starts an agent whose source does not answer, and returns its log line about that. */
async function unreachableSource(args: readonly string[], options: RunOptions): Promise<string> {
  await using plane = await startControlPlane();
  mkdirSync(plane.agentDirectory, { recursive: true });
  const config = join(plane.agentDirectory, 'agent.yaml');
  const deployments = [{ name: 'orders', uri: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200' }];
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({ host: 'mover', projects: [{ id: SOURCE_PROJECT, name: 'shop', deployments }] }),
  );
  const env = { LINKSPAN_LINK_TOKEN: await plane.newToken() };
  await using agent = runLinkspan(['agent', '--config', config, ...args], { ...options, env });
  const [text] = await agent.waitForLine(/.*deployment cannot be inspected.*/);
  return stripVTControlCharacters(text);
}

test('the agent logs text on a terminal and JSON elsewhere, and a flag overrides both', {
  skip: noTerminal,
}, async () => {
  const text = /^\[\d\d:\d\d:\d\d\] WARN: deployment cannot be inspected/;
  const json = /^\{"level":40,.*"msg":"deployment cannot be inspected"\}$/;
  assert.match(await unreachableSource([], { columns: 200 }), text);
  assert.match(await unreachableSource(['--log-format', 'json'], { columns: 200 }), json);
  assert.match(await unreachableSource([], {}), json);
  assert.match(await unreachableSource(['--log-format', 'text'], {}), text);
});
