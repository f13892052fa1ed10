import { parseArgs } from 'node:util';
import { fill, startBoth, startServers, untilReady, untilStandingBy } from '../../test/end-to-end/two-agents.ts';
import { reversibleUsers } from '../../test/engine/running-reversible.ts';
import { untilStopped } from '../../test/support/linkspan-process.ts';
import { percentile } from './percentile.ts';

/**
 * `npm run bench:takeover-agents -- [--rounds 5] [--phase NAME]`: how long the agent that stands by takes to lead a migration, and to report it, once the
 * agent that leads it hangs (SIGSTOP), in each phase.
 */
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, phase: { type: 'string' } } });

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
  {
    name: 'initial sync',
    reach: async (setup) => {
      await setup.ask('PUT', 'copyRate', { maxMegabytesPerSecond: 0.2 });
      await setup.until('copying', ({ linkspan }) => linkspan.progress?.state === 'COPYING');
    },
  },
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

async function measure({ hook, isReversible = false, reach }: Phase): Promise<number> {
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
  await both.untilTakenOver();
  return (performance.now() - startedMs) / 1_000;
}

const rows = [];
for (const phase of PHASES.filter(({ name }) => values.phase === undefined || name === values.phase)) {
  const seconds: number[] = [];
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    seconds.push(await measure(phase));
    console.error(`${phase.name}, round ${round}: ${seconds.at(-1)?.toFixed(1)} s`);
  }
  rows.push({ phase: phase.name, 'take-over p50 (s)': percentile(seconds, 0.5), 'p95 (s)': percentile(seconds, 0.95) });
}
console.table(rows);
process.exit();
