import { parseArgs } from 'node:util';
import type { Collection } from 'mongodb';
import { fill, startBoth, startServers, untilReady, untilStandingBy } from '../../test/end-to-end/two-agents.ts';
import { reversibleUsers } from '../../test/engine/running-reversible.ts';
import { eventually } from '../../test/support/eventually.ts';
import { untilStopped } from '../../test/support/linkspan-process.ts';
import { percentile } from './percentile.ts';

/**
 * `npm run bench:takeover-agents -- [--rounds 5] [--phase NAME]`: how long the agent that stands by takes to lead a migration, and to report it, once the
 * agent that leads it hangs (SIGSTOP), in each phase; and how long users of the source wait when that was in the write pause.
 */
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, phase: { type: 'string' } } });
const POLL_MS = 50;

type Setup = Awaited<ReturnType<typeof startBoth>>['setup'];

interface Phase {
  readonly name: string;
  /** A named point at which the leader stops itself; by default it gets the signal. */
  readonly hook?: string;
  readonly isReversible?: boolean;
  /** Brings the leader to the phase. */
  reach(setup: Setup): Promise<void>;
}

const PHASES: readonly Phase[] = [
  { name: 'initial sync', hook: 'engine.copy.batch-acknowledged@3=stop', reach: async () => undefined },
  { name: 'ready', reach: untilReady },
  {
    name: 'paused',
    reach: async (setup) => {
      await untilReady(setup);
      await setup.ask('PUT', 'pause');
      await setup.until('paused', ({ linkspan }) => linkspan.progress?.state === 'PAUSED');
    },
  },
  {
    name: 'write pause',
    hook: 'engine.cutover.source-blocked=stop',
    reach: async (setup) => {
      await untilReady(setup);
      await setup.cutOver();
    },
  },
  {
    name: 'failback',
    isReversible: true,
    reach: async (setup) => {
      await untilReady(setup);
      await setup.cutOver();
      await setup.until('followed back', ({ linkspan }) => linkspan.failback?.ready === true);
    },
  },
];

/** Times of one round, in seconds. */
interface Times {
  readonly takenOver: number;
  /** Until the source took a write of its users again, or the destination after the cutover; undefined where none was blocked. */
  readonly open: number | undefined;
}

async function measure({ hook, isReversible = false, reach }: Phase): Promise<Times> {
  await using pair = await startServers();
  await fill(pair);
  const { source } = await reversibleUsers(pair);
  await using both = await startBoth(pair, {
    hook,
    sourceUri: source.uri,
    more: { linkspan: { reversible: isReversible } },
  });
  const { setup, leader } = both;
  await untilStandingBy(setup, 'spare');
  await reach(setup);
  if (hook === undefined) leader.kill('SIGSTOP');
  else await untilStopped(leader);
  const startedMs = performance.now();
  const seconds = () => (performance.now() - startedMs) / 1_000;
  const items = [pair.source, pair.destination].map((set) => set.client.db('shop').collection('bench'));
  const opened = hook?.includes('source-blocked') ? untilOpen(items).then(seconds) : undefined;
  await both.untilTakenOver();
  return { takenOver: seconds(), open: await opened };
}

/** Waits until one of both sides takes writes of its users. */
async function untilOpen(sides: readonly Collection[]): Promise<void> {
  const isOpen = async () => {
    const written = await Promise.allSettled(sides.map((side) => side.insertOne({})));
    return written.some(({ status }) => status === 'fulfilled');
  };
  await eventually(isOpen, { what: 'an open side', pollMs: POLL_MS, deadlineMs: 120_000 });
}

const rows = [];
for (const phase of PHASES.filter(({ name }) => values.phase === undefined || name === values.phase)) {
  const times: Times[] = [];
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    times.push(await measure(phase));
    console.error(`${phase.name}, round ${round}: ${JSON.stringify(times.at(-1))}`);
  }
  const taken = times.map((one) => one.takenOver);
  const open = times.flatMap((one) => one.open ?? []);
  rows.push({
    phase: phase.name,
    'take-over p50 (s)': percentile(taken, 0.5),
    'p95 (s)': percentile(taken, 0.95),
    'users write again p50 (s)': percentile(open, 0.5),
    'p95 of that (s)': percentile(open, 0.95),
  });
}
console.table(rows);
process.exit();
