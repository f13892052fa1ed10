import { eventually } from '../../support/eventually.ts';
import { type LinkspanProcess, runLinkspan } from '../../support/linkspan-process.ts';
import { freePort } from '../../support/mongod-process.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import type { Reader } from '../reader.ts';
import { seed } from './operated-push.ts';
import { pageReader } from './page-reader.ts';

/** The connection strings of both sides. */
interface Uris {
  readonly source: string;
  readonly destination: string;
}

/** A migration of `linkspan sync`, with an operator who reads the page. */
export class OperatedSync implements AsyncDisposable {
  readonly pair: ReplicaSetPair;
  readonly reader: Reader;
  process: LinkspanProcess;
  readonly #command: readonly string[];
  readonly #url: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    { pair, reader, process }: Pick<OperatedSync, 'pair' | 'reader' | 'process'>,
    command: readonly string[],
    url: string,
    resources: AsyncDisposableStack,
  ) {
    this.pair = pair;
    this.reader = reader;
    this.process = process;
    this.#command = command;
    this.#url = url;
    this.#resources = resources;
  }

  /**
   * Starts a migration of a few collections, and waits until it is ready.
   * @param hook  named point where its process kills or stops itself
   * @param urisOf  returns the users of both sides; the administrators by default
   */
  static async ready({
    hook,
    flags = [],
    urisOf = async ({ source, destination }) => ({ source: source.uri, destination: destination.uri }),
  }: {
    readonly hook?: string;
    readonly flags?: readonly string[];
    readonly urisOf?: (pair: ReplicaSetPair) => Promise<Uris>;
  } = {}): Promise<OperatedSync> {
    await using resources = new AsyncDisposableStack();
    const folder = resources.use(temporaryFolder('cutover-fails'));
    const pair = resources.use(await startPair({ source: { auth: true }, destination: { auth: true } }));
    await seed(pair);
    const { source, destination } = await urisOf(pair);
    const port = String(await freePort());
    const command = ['sync', '--cluster0', source, '--cluster1', destination, '--port', port, ...flags];
    const url = `http://127.0.0.1:${port}/api/v1`;
    const reader = resources.use(pageReader(folder.path, pair, { SYNC: url }));
    const process = await start(command, hook);
    const sync = new OperatedSync({ pair, reader, process }, command, url, resources.move());
    await sync.call('start', { source: 'cluster0', destination: 'cluster1' });
    reader.variables.MIGRATION_ID = (await sync.progress()).mongosyncID;
    await sync.untilReady();
    return sync;
  }

  // biome-ignore lint/suspicious/noExplicitAny: JSON, of which each test reads something else
  async progress(): Promise<any> {
    const answer = (await (await fetch(`${this.#url}/progress`)).json()) as { readonly progress: unknown };
    return answer.progress;
  }

  /** @returns whether it was accepted */
  async call(name: string, body: object = {}): Promise<boolean> {
    const answer = await fetch(`${this.#url}/${name}`, { method: 'POST', body: JSON.stringify(body) });
    return answer.ok;
  }

  async untilReady(): Promise<void> {
    await eventually(async () => (await this.progress()).canCommit, { what: 'the migration to be ready', pollMs: 100 });
  }

  /** Requests the cutover, when the migration is ready. */
  async cutOver(): Promise<void> {
    await eventually(() => this.call('commit'), { what: 'the cutover to be accepted', pollMs: 100 });
  }

  /** Ends the process, if it still runs, and starts the same command. Its migration is the reader's to start. */
  async restart(hook?: string): Promise<void> {
    this.process.kill('SIGTERM');
    await this.process.exit;
    this.process = await start(this.#command, hook);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await this.#resources.disposeAsync();
  }
}

async function start(command: readonly string[], hook: string | undefined): Promise<LinkspanProcess> {
  const started = runLinkspan(command, hook === undefined ? {} : { hook });
  await started.waitForLine(/API is ready at /);
  return started;
}
