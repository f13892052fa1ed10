import { parseArgs } from 'node:util';
import { startBoth, startServers, untilReady, untilStandingBy } from '../../test/end-to-end/two-agents.ts';
import { eventually } from '../../test/support/eventually.ts';
import { DATABASE } from '../servers.ts';
import { percentile } from './percentile.ts';

/**
 * `npm run bench:move -- [--moves 10]`: how far the destination falls behind while a migration moves to another host, and back: the age of the newest
 * document there, of a writer that inserts one every 20 ms on the source. Two agents, a control plane and two sets of one member.
 */
const { values } = parseArgs({ options: { moves: { type: 'string', default: '10' } } });
const EVERY_MS = 20;

await using pair = await startServers();
const source = pair.source.client.db(DATABASE).collection<{ readonly _id: number }>('ticks');
const destination = pair.destination.client.db(DATABASE).collection<{ readonly _id: number }>('ticks');
await using both = await startBoth(pair);
const { setup } = both;
let isWriting = true;
const writer = (async () => {
  for (; isWriting; await new Promise((resolve) => setTimeout(resolve, EVERY_MS)))
    await source.insertOne({ _id: Date.now() });
})();

const lagMs = async () => Date.now() - ((await destination.findOne({}, { sort: { _id: -1 } }))?._id ?? 0);
const standing = await (async () => {
  await untilReady(setup);
  const idle: number[] = [];
  for (let look = 0; look < 50; look += 1) idle.push(await lagMs());
  return Math.max(...idle);
})();

const lags: number[] = [];
for (let move = 1; move <= Number(values.moves); move += 1) {
  const to = move % 2 === 1 ? 'spare' : 'mover';
  await untilReady(setup);
  await untilStandingBy(setup, to);
  await setup.ask('PUT', 'move', { migrationHost: to });
  let most = 0;
  await eventually(
    async () => {
      const lag = await lagMs();
      most = Math.max(most, lag);
      const { migrationHosts, linkspan } = await setup.show();
      return lag <= standing && migrationHosts[0] === to && linkspan.agent?.status === 'CONNECTED';
    },
    { what: `${to} to lead`, pollMs: 1 },
  );
  lags.push(most / 1_000);
  console.error(`move ${move} to ${to}: ${most} ms`);
}
isWriting = false;
await writer;
const at = (share: number) => `${percentile(lags, share)} s`;
console.log(
  `before a move at most ${standing} ms behind; in a move ${at(0.5)} (p50), ${at(0.95)} (p95), ${at(1)} at most`,
);
process.exit();
