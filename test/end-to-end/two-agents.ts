import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startLedgerWriter } from '../support/ledger-writer.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { PushSetup } from './push-setup.ts';

export const startServers = () => startPair({ source: { auth: true }, destination: { auth: true } });

export async function fill({ source }: ReplicaSetPair): Promise<void> {
  for (const name of ['a', 'b']) {
    const collection = source.client.db('shop').collection(name);
    // Two batches of a copy, so that there is a third one to kill the agent at.
    await collection.insertMany(Array.from({ length: 500 }, (_, n) => ({ n, name, text: 'x'.repeat(16_000) })));
    await collection.createIndex({ n: 1, _id: 1 }, { unique: true });
  }
}

/**
 * Starts a control plane, a migration that the agent on `mover` leads, and the agent on `spare`, which stands by. Disposing ends all.
 * @param hook  where the leader kills or stops itself
 */
export async function startBoth(
  pair: ReplicaSetPair,
  { hook, sourceUri = pair.source.uri, leaderSourceUri = sourceUri, more = {} }: BothOptions = {},
) {
  await using stack = new AsyncDisposableStack();
  const setup = stack.use(await PushSetup.create(pair, leaderSourceUri));
  setup.addHost('spare', sourceUri);
  await setup.serve();
  await setup.register(pair, 2);
  const leader = setup.agent(hook);
  const standby = setup.agent(undefined, 'spare');
  const hosts = async () => (await setup.availableProjects())[0]?.migrationHosts ?? [];
  await eventually(async () => (await hosts()).length === 2, { what: 'both agents to be linked' });
  await setup.start(more);
  const kept = stack.move();
  return {
    setup,
    leader,
    standby,
    /** Waits until a host leads the migration, and runs it. */
    untilTakenOver: async (host = 'spare') => {
      const isLed = async () => {
        const { migrationHosts, linkspan } = await setup.show();
        return migrationHosts[0] === host && linkspan.agent?.status === 'CONNECTED';
      };
      await eventually(isLed, { what: `${host} to lead`, pollMs: 250 });
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

interface BothOptions {
  readonly hook?: string;
  readonly sourceUri?: string;
  /** The leader's own connection string of the source; by default both have the same. */
  readonly leaderSourceUri?: string;
  readonly more?: object;
}

export const untilReady = (setup: PushSetup) =>
  setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);

/** Cuts the migration over, and asserts that both sides are equal. */
export async function cutOver(setup: PushSetup, pair: ReplicaSetPair): Promise<void> {
  await untilReady(setup);
  await setup.cutOver();
  await setup.until('complete', ({ status }) => status === 'COMPLETE');
  await expectIdentical(pair);
}

export async function untilStandingBy(setup: PushSetup, host: string): Promise<void> {
  const isReady = async () => {
    const standbys: { host: string; status: string }[] = (await setup.show()).linkspan.standbyHosts ?? [];
    return standbys.some((standby) => standby.host === host && standby.status === 'READY');
  };
  await eventually(isReady, { what: `${host} to stand by`, pollMs: 250 });
}

export const ledgerOf = ({ source }: ReplicaSetPair) =>
  startLedgerWriter({ clients: [source.client], namespaces: ['shop.a', 'shop.b'], seed: 4, ratePerSecond: 40 });
