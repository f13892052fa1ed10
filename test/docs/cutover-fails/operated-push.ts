import { PushSetup } from '../../end-to-end/push-setup.ts';
import type { LinkspanProcess } from '../../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import type { Reader } from '../reader.ts';
import { pageReader } from './page-reader.ts';

/** A migration of a control plane, with an agent and with an operator who reads the page. */
export class OperatedPush implements AsyncDisposable {
  readonly pair: ReplicaSetPair;
  readonly setup: PushSetup;
  readonly reader: Reader;
  readonly server: LinkspanProcess;
  agent: LinkspanProcess;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    parts: Pick<OperatedPush, 'pair' | 'setup' | 'reader' | 'server' | 'agent'>,
    resources: AsyncDisposableStack,
  ) {
    this.pair = parts.pair;
    this.setup = parts.setup;
    this.reader = parts.reader;
    this.server = parts.server;
    this.agent = parts.agent;
    this.#resources = resources;
  }

  /**
   * Starts a migration of a few collections, and waits until it is ready.
   * @param hook  named point where its agent kills or stops itself
   * @param more  fields of the request
   * @param sourceUri  returns the agent's connection string of the source; the administrator's by default
   */
  static async ready({
    hook,
    more,
    sourceUri = async ({ source }) => source.uri,
  }: {
    readonly hook?: string;
    readonly more?: object;
    readonly sourceUri?: (pair: ReplicaSetPair) => Promise<string>;
  } = {}): Promise<OperatedPush> {
    await using resources = new AsyncDisposableStack();
    const folder = resources.use(temporaryFolder('cutover-fails'));
    const pair = resources.use(await startPair({ source: { auth: true }, destination: { auth: true } }));
    await seed(pair);
    const setup = resources.use(await PushSetup.create(pair, await sourceUri(pair)));
    const server = await setup.serve();
    await setup.register(pair);
    const agent = setup.agent(hook);
    await setup.start(more);
    const reader = resources.use(pageReader(folder.path, pair, setup.variables));
    await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
    return new OperatedPush({ pair, setup, reader, server, agent }, resources.move());
  }

  /** Requests the cutover, when the migration is ready. */
  async cutOver(): Promise<void> {
    await this.setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
    await this.setup.cutOver();
  }

  /** Ends the agent with a checkpoint, if it still runs, and starts another one. */
  async restartAgent(hook?: string): Promise<void> {
    this.agent.kill('SIGTERM');
    await this.agent.exit;
    this.agent = this.setup.agent(hook);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** Creates three collections on the source, one of them with a unique index. */
export async function seed({ source }: ReplicaSetPair): Promise<void> {
  const shop = source.client.db('shop');
  for (const name of ['orders', 'carts', 'visits'])
    await shop.collection(name).insertMany([{ n: 1 }, { n: 2 }, { n: 3 }]);
  await shop.collection('orders').createIndex({ n: 1 }, { unique: true });
}
