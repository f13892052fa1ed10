import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RedeemResponse } from '../../src/link/index.ts';
import { type ControlPlane, startControlPlane } from '../atlas-api/control-plane.ts';
import { findAtlasCli, findCurl, skipReason } from '../atlas-api/foreign-clients.ts';
import { DESTINATION, progress } from '../atlas-api/migration-world.ts';
import { AgentClient, SOURCE, SOURCE_PROJECT } from '../gateway/agent-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { definitionsOf, stepsOf } from './steps.ts';

const run = promisify(execFile);
const curl = await findCurl();
const atlasCli = await findAtlasCli();

const PAGE = readFileSync(new URL('../../docs/migrate/atlas-cli-and-curl.md', import.meta.url), 'utf8');
const [CLI_PART = '', CURL_PART = ''] = PAGE.split('\n## With curl\n');

const ACCOUNT = { clientId: `mdb_sa_id_${'0c'.repeat(12)}`, secret: 'mdb_sa_sk_0123456789abcdefghijklmnopqrstuv' };

/**
 * Follows a part of the page while an agent runs beside the source. At the end the migration is COMPLETE and there are no links.
 * @param given  variables that the reader already has
 * @returns the number of commands
 */
async function follow(part: string, plane: ControlPlane, given: Readonly<Record<string, string>>): Promise<number> {
  const agent = new AgentClient(plane.url);
  const variables: Record<string, string> = {
    URL: plane.url,
    ORG_ID: plane.orgId,
    PUBLIC_KEY: plane.publicKey,
    PRIVATE_KEY: plane.privateKey,
    SOURCE_PROJECT_ID: SOURCE_PROJECT,
    ...given,
  };
  const agentDoes: Record<string, () => Promise<unknown>> = {
    LINK_TOKEN: async () => {
      const answer = await agent.redeem(variables.LINK_TOKEN ?? '');
      agent.agentId = (answer.json as unknown as RedeemResponse).agentId;
      await agent.report({ inventory: [{ projectId: SOURCE_PROJECT, name: 'shop', deployments: [SOURCE] }] });
    },
    MIGRATION_ID: () => report({ state: 'FOLLOWING', readyForCutover: true, lagSeconds: 0, notReadyReasons: [] }),
  };
  const report = (changes: Parameters<typeof progress>[1]) => {
    const id = variables.MIGRATION_ID ?? '';
    return agent.report({ migrations: [{ id, progress: progress(id, changes) }] });
  };

  let definitions = 'set -euo pipefail\n';
  let answer = '';
  let commands = 0;
  for (const step of stepsOf(part)) {
    if (step.does === 'repeat') continue;
    if (step.does === 'keep') {
      const { field, variable } = step;
      const value: unknown = JSON.parse(answer)[field];
      assert.equal(typeof value, 'string', `${field} in ${answer}`);
      variables[variable] = String(value);
      await agentDoes[variable]?.();
      continue;
    }
    const env = { ...process.env, NO_PROXY: '*', ...variables };
    // On a loaded machine the commands take longer than an agent may be silent.
    if (agent.agentId !== undefined) await agent.report({});
    ({ stdout: answer } = await run('bash', ['-c', definitions + step.command], { env }));
    if (/^[{[]/.test(answer)) assert.equal(JSON.parse(answer).errorCode, undefined, `${step.command}\n${answer}`);
    definitions += definitionsOf(step.command);
    commands += 1;
    if (/cutover("| --)/.test(step.command)) await report({ state: 'COMMITTED', canWrite: true, lagSeconds: null });
  }
  const [migration] = await plane.store.find('migrations', { groupId: variables.GROUP_ID ?? '' });
  assert.equal(migration?.state.status, 'COMPLETE');
  assert.deepEqual(await plane.store.find('links', { orgId: plane.orgId, ended: null }), []);
  return commands;
}

test('the curl commands of docs/migrate/atlas-cli-and-curl.md work unchanged, in their order', {
  skip: skipReason(curl),
}, async () => {
  await using plane = await startControlPlane({ bootstrapping: { serviceAccount: ACCOUNT } });
  const commands = await follow(CURL_PART, plane, { CLIENT_ID: ACCOUNT.clientId, CLIENT_SECRET: ACCOUNT.secret });
  assert.ok(commands >= 17, `only ${commands} commands were found`);
});

async function registerDestination(plane: ControlPlane): Promise<{ readonly GROUP_ID: string }> {
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'shop', orgId: plane.orgId } });
  const GROUP_ID = String(group.json.id);
  const cluster = { name: 'C', connectionStrings: { standard: DESTINATION } };
  await plane.api('POST', `/api/atlas/v2/groups/${GROUP_ID}/clusters`, { body: cluster });
  return { GROUP_ID };
}

test('the commands of the Atlas CLI in docs/migrate/atlas-cli-and-curl.md work unchanged, in their order', {
  skip: skipReason(atlasCli),
}, async () => {
  await using plane = await startControlPlane();
  using home = temporaryFolder('atlas-cli-home');
  const { GROUP_ID } = await registerDestination(plane);
  // The CLI stores its profiles there.
  const folders = { HOME: home.path, XDG_CONFIG_HOME: home.path };
  const commands = await follow(CLI_PART, plane, { GROUP_ID, ...folders });
  assert.ok(commands >= 9, `only ${commands} commands were found`);
});

test('linkspan accepts the commands of the Atlas CLI on that page, word for word', async () => {
  await using plane = await startControlPlane();
  using folder = temporaryFolder('linkspan-as-atlas');
  const linkspan = fileURLToPath(new URL('../../bin/linkspan', import.meta.url));
  // `atlas api` sends any request. linkspan has a command for each resource instead.
  const atlas = `#!/bin/sh\n[ "$1" = api ] || exec ${linkspan} "$@"\n`;
  writeFileSync(join(folder.path, 'atlas'), atlas, { mode: 0o755 });
  const { GROUP_ID } = await registerDestination(plane);
  const profile = {
    LINKSPAN_URL: plane.url,
    LINKSPAN_PUBLIC_KEY: plane.publicKey,
    LINKSPAN_PRIVATE_KEY: plane.privateKey,
    LINKSPAN_ORG_ID: plane.orgId,
    LINKSPAN_PROJECT_ID: GROUP_ID,
  };
  const PATH = `${folder.path}:${process.env.PATH}`;
  const commands = await follow(CLI_PART, plane, { GROUP_ID, PATH, ...profile });
  assert.ok(commands >= 9, `only ${commands} commands were found`);
});
