import { parseArgs } from 'node:util';
import type { Collection } from 'mongodb';
import { eventually } from '../../test/support/eventually.ts';
import { type ReplicaSetPair, startPair } from '../../test/support/replica-set.ts';
import { numbered } from '../../test/support/seeds.ts';
import { openSync, type SyncProcess, startSync } from '../../test/support/sync-process.ts';
import { DATABASE } from '../servers.ts';
import { percentile } from './percentile.ts';

/**
 * `npm run bench:takeover -- [--rounds 5] [--phase NAME]`: how long a standby of `linkspan sync` takes to take over from a leader that hangs, which is
 * what a lost host is to the others, in each phase of a migration. The leader gets SIGSTOP: a standby on its host would notice
 * an ended process at once. In the write pause it also measures how long users of the source wait, with the destination
 * and without it.
 */
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, phase: { type: 'string' } } });
const POLL_MS = 50;
const WITHIN_MS = 120_000;
const DOCUMENTS = 20_000;

interface Phase {
  readonly name: string;
  readonly flags?: readonly string[];
  /** A named point at which the leader stops itself. */
  readonly hook?: string;
  /** Whether the destination is lost as well, so that no standby can take over. */
  readonly losesDestination?: boolean;
  /** Brings the leader to the phase. */
  reach(leader: SyncProcess): Promise<void>;
}

const until = async (
  { progress }: SyncProcess,
  what: string,
  holds: (now: Awaited<ReturnType<SyncProcess['progress']>>) => boolean,
) => void (await eventually(async () => holds(await progress()), { what, pollMs: POLL_MS, deadlineMs: WITHIN_MS }));
const untilReady = (leader: SyncProcess) => until(leader, 'readiness', ({ canCommit }) => canCommit);

const IN_WRITE_PAUSE = 'engine.cutover.source-blocked=stop';
const requestCutover = async (leader: SyncProcess) => {
  await untilReady(leader);
  await leader.call('commit');
};

const PHASES: readonly Phase[] = [
  {
    name: 'initial sync',
    flags: ['--max-megabytes-per-second', '0.5'],
    reach: (leader) => until(leader, 'the copy', ({ linkspan }) => linkspan?.state === 'COPYING'),
  },
  { name: 'ready', reach: untilReady },
  {
    name: 'paused',
    reach: async (leader) => {
      await untilReady(leader);
      await leader.call('pause');
      await until(leader, 'the pause', ({ state }) => state === 'PAUSED');
    },
  },
  { name: 'write pause', hook: IN_WRITE_PAUSE, reach: requestCutover },
  { name: 'write pause, destination lost', hook: IN_WRITE_PAUSE, losesDestination: true, reach: requestCutover },
];

/** Times of one round, in seconds. */
interface Times {
  /** Undefined without a destination. */
  readonly takenOver: number | undefined;
  /** Until the source took a write of its users again; undefined where it was never blocked. */
  readonly open: number | undefined;
}

async function measure({ flags = [], hook, losesDestination, reach }: Phase): Promise<Times> {
  await using pair = await startPair();
  const items = pair.source.client.db(DATABASE).collection('items');
  await items.insertMany(numbered(DOCUMENTS, { text: 'x'.repeat(1_000) }));
  const uris = { source: pair.source.uri, destination: pair.destination.uri };
  await using leader = await startSync(uris, ['--standby', ...flags], hook === undefined ? {} : { hook });
  await using standby = await openSync(uris, ['--standby']);
  await until(standby, 'the standby', ({ linkspan }) => linkspan?.standby !== undefined);
  await reach(leader);
  const term = await termOf(pair);
  if (hook === undefined) leader.linkspan.kill('SIGSTOP');
  else await eventually(() => isBlocked(items), { what: 'the write block', pollMs: POLL_MS });
  const startedMs = performance.now();
  const seconds = () => (performance.now() - startedMs) / 1_000;
  const options = { pollMs: POLL_MS, deadlineMs: WITHIN_MS };
  let takenOver: number | undefined;
  if (losesDestination) {
    for (const member of pair.destination.members) await member.kill();
  } else {
    await eventually(async () => (await termOf(pair)) > term, { what: 'the take-over', ...options });
    takenOver = seconds();
  }
  if (hook === undefined) return { takenOver, open: undefined };
  await eventually(async () => !(await isBlocked(items)), { what: 'an open source', ...options });
  return { takenOver, open: seconds() };
}

async function termOf({ destination }: ReplicaSetPair): Promise<number> {
  const record = await destination.client.db('linkspan_internal').collection('migrations').findOne();
  return record?.term ?? 0;
}

async function isBlocked(items: Collection): Promise<boolean> {
  return await items.insertOne({}).then(
    () => false,
    () => true,
  );
}

const rows = [];
for (const phase of PHASES.filter(({ name }) => values.phase === undefined || name === values.phase)) {
  const times: Times[] = [];
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    times.push(await measure(phase));
    console.error(`${phase.name}, round ${round}: ${JSON.stringify(times.at(-1))}`);
  }
  const taken = times.flatMap((one) => one.takenOver ?? []);
  const open = times.flatMap((one) => one.open ?? []);
  rows.push({
    phase: phase.name,
    'take-over p50 (s)': percentile(taken, 0.5),
    'p95 (s)': percentile(taken, 0.95),
    'source open p50 (s)': percentile(open, 0.5),
    'p95 of that (s)': percentile(open, 0.95),
  });
}
console.table(rows);
process.exit();
