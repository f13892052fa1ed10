import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GATES } from '../../src/contract/index.ts';
import { gatesOf } from '../../src/engine/report/readiness.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { cutoverReport } from '../atlas-api/migration-world.ts';
import { start } from '../atlas-api/started-migration.ts';
import { healthyFacts, healthyStream } from '../engine/report/healthy-facts.ts';
import { eventually } from '../support/eventually.ts';
import { stepsOf } from './steps.ts';

const run = promisify(execFile);
const page = readFileSync(new URL('../../docs/cut-over/cut-over.md', import.meta.url), 'utf8');
const binaries = fileURLToPath(new URL('../../bin', import.meta.url));

test('the commands of docs/cut-over/cut-over.md work unchanged, in their order, and show the checklist of the page', async () => {
  await using plane = await startControlPlane();
  const { id, groupId, report, show } = await start(plane);
  const unsteady = { ...healthyStream.applied, isSteady: false, steadyInMs: 21_000 };
  const behind = gatesOf({ ...healthyFacts, stream: { ...healthyStream, lagSeconds: 3, applied: unsteady } });
  const env = {
    ...process.env,
    PATH: `${binaries}:${process.env.PATH}`,
    NO_PROXY: '*',
    LINKSPAN_URL: plane.url,
    LINKSPAN_PUBLIC_KEY: plane.publicKey,
    LINKSPAN_PRIVATE_KEY: plane.privateKey,
    LINKSPAN_ORG_ID: plane.orgId,
    LINKSPAN_PROJECT_ID: groupId,
    MIGRATION_ID: id,
  };
  await report({ state: 'FOLLOWING', lagSeconds: 3, readiness: behind, notReadyReasons: ['the lag'] });
  const ready = { state: 'FOLLOWING', lagSeconds: 0, readyForCutover: true, notReadyReasons: [] } as const;
  const reportReady = (more: object = {}) => report({ ...ready, readiness: gatesOf(healthyFacts), ...more });
  /** Reports the end of the rehearsal that the command waits for. */
  const rehearse = async () => {
    const rehearsalId = await eventually(async () => (await show()).linkspan.rehearsalId, { what: 'the request' });
    await reportReady({
      cutoverAttempts: [
        { number: 1, rehearsalId, startedAt: '1970-01-01T00:00:00.000Z', steps: [], result: 'REHEARSED' },
      ],
    });
  };
  /** Reports the end of the cutover that the command waits for. */
  const commit = async () => {
    await eventually(async () => (await show()).linkspan.wanted === 'CUTOVER', { what: 'the cutover' });
    await report({ state: 'COMMITTED', canWrite: true, lagSeconds: null, cutoverReport: cutoverReport('a warning') });
  };
  const answers: string[] = [];
  for (const step of stepsOf(page)) {
    if (step.does !== 'run') continue;
    const end = / --dry-run/.test(step.command) ? rehearse : / --wait/.test(step.command) ? commit : undefined;
    const reported = end?.();
    answers.push((await run('bash', ['-euo', 'pipefail', '-c', step.command], { env })).stdout);
    await reported;
    if (answers.length === 1) await reportReady();
  }
  assert.equal(answers.length, 4);
  const [checklist = ''] = answers;
  const linesOf = (text: string) =>
    [...text.matchAll(/^ {2}.. {2}(\D*?):? ?.*\[([A-Z_]+)\]$/gm)].map(([, , name]) => name);
  assert.deepEqual(linesOf(checklist), linesOf(page), 'the page shows the gates in the order of the command');
  assert.deepEqual(linesOf(page).sort(), Object.keys(GATES).sort());
  assert.match(checklist, /^Ready for cutover: no$/m);
  assert.match(checklist, /^ {6}the lag was above 10 s, and must stay small for 21 s more$/m);
  assert.match(answers.at(-1) ?? '', /COMPLETE(?:.*\n)*pause +80 ms/);
});
