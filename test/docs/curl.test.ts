import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { RedeemResponse } from '../../src/link/index.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { findCurl, skipReason } from '../atlas-api/foreign-clients.ts';
import { progress } from '../atlas-api/migration-world.ts';
import { AgentClient, SOURCE, SOURCE_PROJECT } from '../gateway/agent-client.ts';

const run = promisify(execFile);
const curl = await findCurl();

/** The page as what it tells its reader to do, in order: to run a command, or to take a field of the last answer as a variable. */
type Step =
  | { readonly command: string }
  | { readonly command?: undefined; readonly field: string; readonly variable: string };

function stepsOf(page: string): Step[] {
  const step = /```sh\n(?<command>.*?)```|Its `(?<field>\w+)` is the `(?<variable>\w+)` of what follows/gs;
  return [...page.matchAll(step)].map(({ groups: { command, field = '', variable = '' } = {} }) =>
    command === undefined ? { field, variable } : { command },
  );
}

test('the curl commands of docs/06-atlas-cli-and-curl.md work as they stand, in their order', {
  skip: skipReason(curl),
}, async () => {
  const page = readFileSync(new URL('../../docs/06-atlas-cli-and-curl.md', import.meta.url), 'utf8');
  const account = { clientId: `mdb_sa_id_${'0c'.repeat(12)}`, secret: 'mdb_sa_sk_0123456789abcdefghijklmnopqrstuv' };
  await using plane = await startControlPlane({ wishes: { serviceAccount: account } });
  const agent = new AgentClient(plane.url);
  const variables: Record<string, string> = {
    URL: plane.url,
    ORG_ID: plane.orgId,
    PUBLIC_KEY: plane.publicKey,
    PRIVATE_KEY: plane.privateKey,
    SOURCE_PROJECT_ID: SOURCE_PROJECT,
    CLIENT_ID: account.clientId,
    CLIENT_SECRET: account.secret,
  };
  /** What happens beside the source as the reader goes on. */
  const agentDoes: Record<string, () => Promise<unknown>> = {
    LINK_TOKEN: async () => {
      const answer = await agent.redeem(variables.LINK_TOKEN ?? '');
      agent.agentId = (answer.json as unknown as RedeemResponse).agentId;
      await agent.report({ inventory: [{ projectId: SOURCE_PROJECT, name: 'shop', deployments: [SOURCE] }] });
    },
    MIGRATION_ID: () => report({ state: 'tailing', readyForCutover: true, lagSeconds: 0, notReadyReasons: [] }),
  };
  const report = (changes: Parameters<typeof progress>[1]) => {
    const id = variables.MIGRATION_ID ?? '';
    return agent.report({ migrations: [{ id, progress: progress(id, changes) }] });
  };

  let definitions = 'set -euo pipefail\n';
  let answer = '';
  let commands = 0;
  for (const step of stepsOf(page)) {
    if (step.command === undefined) {
      const { field, variable } = step;
      const value: unknown = JSON.parse(answer)[field];
      assert.equal(typeof value, 'string', `${field} in ${answer}`);
      variables[variable] = String(value);
      await agentDoes[variable]?.();
      continue;
    }
    // Functions and variables that one command defines are there for the next.
    if (step.command.startsWith('api() {')) definitions += step.command;
    definitions += /^ORDER="[\s\S]*?\n\}"\n/m.exec(step.command)?.[0] ?? '';
    const env = { ...process.env, NO_PROXY: '*', ...variables };
    ({ stdout: answer } = await run('bash', ['-c', definitions + step.command], { env }));
    if (answer !== '') assert.equal(JSON.parse(answer).errorCode, undefined, `${step.command}\n${answer}`);
    commands += 1;
    if (step.command.includes('/cutover"')) await report({ state: 'committed', canWrite: true, lagSeconds: null });
  }
  assert.ok(commands >= 17, `only ${commands} commands were found`);
  const [migration] = await plane.store.migrationsOf(variables.GROUP_ID ?? '');
  assert.equal(migration?.state.status, 'COMPLETE');
  assert.deepEqual(await plane.store.openLinksOf(plane.orgId), []);
});
