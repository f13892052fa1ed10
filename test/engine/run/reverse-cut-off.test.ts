import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { compareClusters } from '../../support/compare-clusters.ts';
import { eventually } from '../../support/eventually.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { SideWriter } from '../cutover/side-writer.ts';
import { OF_CUTOVER, OF_REVERSE } from '../kill-points.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');
/** Each cutover passes all of these, and what begins the opposite direction. */
const POINTS = [...OF_CUTOVER.filter((point) => point.startsWith('engine.cutover.')), ...OF_REVERSE];
/** Longer than all cuts of one cutover together, on a busy machine. */
const TURN_WITHIN_MS = 240_000;

for (const cutOff of ['source', 'destination'] as const)
  test(`when the first ${cutOff} is cut off at each step there and back, the migration continues with one writable side`, {
    skip,
  }, async () => {
    await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
    const shop = pair.source.client.db('shop');
    await shop.collection('items').insertMany(numbered(100));
    await shop.collection('orders').createIndex({ n: 1 }, { unique: true });
    await shop.collection('orders').insertMany(numbered(100));
    await using proxy = await startFaultProxy(Number(new URL(pair[cutOff].uri).port));
    await using running = await startBehind(pair, cutOff, proxy);
    await running.until('the first direction to be ready', () => running.progress.readyForCutover);
    await using source = await SideWriter.start(pair.source, 'source');
    await using destination = await SideWriter.start(pair.destination, 'destination');
    const writers = [source, destination];

    for (const turn of [1, 2]) {
      using cuts = new CutsAtPoints(proxy, running);
      await eventually(() => hasCutOver(running, turn), { what: `cutover ${turn}`, deadlineMs: TURN_WITHIN_MS });
      const isFollowing = () => running.migration.failback?.progress().readyForCutover;
      await eventually(isFollowing, { what: `failback ${turn}`, deadlineMs: TURN_WITHIN_MS });
      assert.deepEqual([...cuts.left], []);
      cuts.cut();
      await cuts.healed;
      await eventually(isFollowing, { what: `failback ${turn} after a cut`, deadlineMs: TURN_WITHIN_MS });
      running.expectNoMismatches();
      await SideWriter.assertTurns(writers, turn);
    }
    for (const writer of writers) await writer.stop();
    await SideWriter.assertTurns(writers, 2);
    const differences = async () => (await compareClusters(pair.source.client, pair.destination.client)).differences;
    await eventually(async () => (await differences()).length === 0, { what: 'both sides to be identical' });
  });

/** Cuts one side off at each of the points, once, until the engine waits for it, or reaches the next point without it. */
class CutsAtPoints implements Disposable {
  readonly left = new Set(POINTS);
  /** Resolves when the last cut has ended. */
  healed: Promise<void> = Promise.resolve();
  readonly #proxy: FaultProxy;
  readonly #running: RunningReversible;
  readonly #listening = new DisposableStack();
  #cuts = 0;

  constructor(proxy: FaultProxy, running: RunningReversible) {
    this.#proxy = proxy;
    this.#running = running;
    for (const point of POINTS)
      this.#listening.use(
        onFailpoint(point, () => {
          if (this.left.delete(point)) this.cut();
        }),
      );
  }

  cut(): void {
    this.#cuts += 1;
    this.#proxy.cut();
    this.healed = this.#heal(this.#cuts);
  }

  async #heal(cut: number): Promise<void> {
    const { migration } = this.#running;
    const isFelt = () =>
      cut !== this.#cuts ||
      [migration.current, migration.failback].some((direction) =>
        direction?.progress().waiting.some((wait) => wait.for !== 'the next attempt to cut over'),
      );
    await eventually(isFelt, { what: 'the engine to wait for the side that is cut off' });
    if (cut === this.#cuts) this.#proxy.restore();
  }

  [Symbol.dispose](): void {
    this.#listening.dispose();
    this.#proxy.restore();
  }
}

/** Starts a reversible migration that reaches one side through the proxy, and soon notices that it is gone. */
async function startBehind(
  pair: ReplicaSetPair,
  side: 'source' | 'destination',
  proxy: FaultProxy,
): Promise<RunningReversible> {
  const addresses = await reversibleUsers(pair);
  const uri = `mongodb://mover:secret@127.0.0.1:${proxy.port}/?authSource=admin&directConnection=true&serverSelectionTimeoutMS=500`;
  return new RunningReversible({ ...addresses, [side]: { uri } });
}

/** Asks for what is next until that cutover is done. */
async function hasCutOver({ migration, steering }: RunningReversible, turn: number): Promise<boolean> {
  const { current } = migration;
  const { state, readyForCutover } = current.progress();
  const { reversals = 0 } = current.options;
  if (reversals < turn - 1) await steering.reverse();
  else if (state === 'COMMITTED') return true;
  else if (readyForCutover) steering.cutOver();
  return false;
}
