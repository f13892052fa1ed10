import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { pairWithData } from './sync-output.ts';

checkForLeaks({ sockets: false });

/** Further keys of a file for mongosync, which are accepted. */
const SETTINGS =
  'loadLevel: 3\nverbosity: INFO\nacceptDisclaimer: true\ndisableTelemetry: true\ndisableMetricsLogging: true\n';

interface Answer {
  readonly success: boolean;
  readonly error?: string;
  readonly errorDescription?: string;
  readonly progress: {
    readonly state: string;
    readonly canCommit: boolean;
    readonly canWrite: boolean | null;
    readonly info: string | null;
    readonly lagTimeSeconds: number | null;
    readonly collectionCopy: { readonly estimatedTotalBytes: number; readonly estimatedCopiedBytes: number } | null;
  };
}

/** A client as operators write them for mongosync: it knows nothing but the documented calls and fields. */
class Runbook {
  readonly #url: string;
  readonly seen: string[] = [];

  constructor(port: string) {
    this.#url = `http://localhost:${port}/api/v1`;
  }

  async call(name: string, body: object = {}): Promise<Answer> {
    const answer = await fetch(`${this.#url}/${name}`, { method: 'POST', body: JSON.stringify(body) });
    return (await answer.json()) as Answer;
  }

  async progress(): Promise<Answer['progress']> {
    const { success, progress } = (await (await fetch(`${this.#url}/progress`)).json()) as Answer;
    assert.equal(success, true);
    const { state, info, lagTimeSeconds, collectionCopy: copy } = progress;
    const share = copy === null ? 0 : copy.estimatedCopiedBytes / copy.estimatedTotalBytes;
    this.seen.push(`${state} ${info} lag ${lagTimeSeconds} s, ${Math.round(share * 100)} %`);
    return progress;
  }

  /** Polls until a condition holds. */
  async until(what: string, holds: (progress: Answer['progress']) => boolean): Promise<void> {
    await eventually(async () => holds(await this.progress()) || undefined, { what });
  }
}

test("a client written for mongosync plans and migrates with mongosync's flags, file and calls, and its log is rotated", async () => {
  await using pair = await pairWithData();
  using folder = temporaryFolder('runbook');
  const config = join(folder.path, 'mongosync.yaml');
  writeFileSync(config, `cluster0: ${pair.source.uri}\ncluster1: ${pair.destination.uri}\nport: 0\n${SETTINGS}`, {
    mode: 0o600,
  });
  const log = join(folder.path, 'log');
  const flags = [
    '--loadLevel',
    '3',
    '--verbosity',
    'DEBUG',
    '--logPath',
    log,
    '--acceptDisclaimer',
    '--disableTelemetry',
  ];
  await using planned = runLinkspan(['plan', '--config', config]);
  assert.equal((await planned.exit).code, 0, planned.stderr);
  await using mongosync = runLinkspan(['sync', '--config', config, ...flags]);
  const [, port = ''] = await mongosync.waitForLine(/127\.0\.0\.1:(\d+)/);
  const runbook = new Runbook(port);
  await runbook.until('IDLE', ({ state }) => state === 'IDLE');
  const tooSoon = await runbook.call('commit');
  assert.deepEqual(
    [tooSoon.success, typeof tooSoon.error, typeof tooSoon.errorDescription],
    [false, 'string', 'string'],
  );
  const start = { source: 'cluster0', destination: 'cluster1', verification: { enabled: true } };
  assert.deepEqual(await runbook.call('start', start), { success: true });
  await runbook.until('a migration that can be committed', ({ canCommit }) => canCommit);
  assert.deepEqual(await runbook.call('pause'), { success: true });
  await runbook.until('PAUSED', ({ state }) => state === 'PAUSED');
  assert.deepEqual(await runbook.call('resume'), { success: true });
  await runbook.until(
    'a migration that can be committed again',
    ({ state, canCommit }) => state === 'RUNNING' && canCommit,
  );
  // mongosync's own signal, and the usual one.
  for (const [signal, count] of [
    ['SIGUSR1', 2],
    ['SIGHUP', 3],
  ] as const) {
    mongosync.kill(signal);
    await eventually(async () => readdirSync(log).length === count || undefined, { what: `a new file at ${signal}` });
  }
  assert.deepEqual(await runbook.call('commit'), { success: true });
  await runbook.until('a destination that can be written', ({ canWrite }) => canWrite === true);
  await runbook.until('COMMITTED', ({ state }) => state === 'COMMITTED');
  assert.ok(
    runbook.seen.some((line) => /^RUNNING change event application lag \d+ s, 100 %$/.test(line)),
    runbook.seen.join('\n'),
  );
  await expectIdentical(pair);
  mongosync.kill('SIGTERM');
  assert.equal((await mongosync.exit).code, 0, mongosync.stderr);

  const [newest, ...others] = readdirSync(log).sort().reverse();
  assert.equal(newest, 'linkspan.log');
  for (const name of others) assert.match(name, /^linkspan-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z\.log$/);
  for (const name of ['linkspan.log', others.at(-1) ?? '']) {
    assert.equal(statSync(join(log, name)).mode & 0o777, 0o600, name);
    const lines = readFileSync(join(log, name), 'utf8').trimEnd().split('\n');
    assert.ok(
      lines.every((line) => JSON.parse(line).event !== undefined),
      name,
    );
  }
});
