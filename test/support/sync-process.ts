import { type LinkspanProcess, type RunOptions, runLinkspan } from './linkspan-process.ts';

/** A running `linkspan sync` that answers mongosync's API; disposing kills it. */
export interface SyncProcess extends AsyncDisposable {
  readonly linkspan: LinkspanProcess;
  /** Sends a POST request and returns the answer. */
  call(name: string, body?: object): Promise<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: JSON, of which each test reads something else
  progress(): Promise<any>;
}

/** The connection strings of both clusters. */
export interface Uris {
  readonly source: string;
  readonly destination: string;
}

/** Starts `linkspan sync` between two connection strings, on a free port, and starts or resumes the migration. */
export async function startSync(
  uris: Uris,
  flags: readonly string[] = [],
  options: RunOptions = {},
): Promise<SyncProcess> {
  const sync = await openSync(uris, flags, options);
  const started = await sync.call('start', { source: 'cluster0', destination: 'cluster1' });
  if (started.success === true) return sync;
  await sync[Symbol.asyncDispose]();
  throw new Error(`not started: ${JSON.stringify(started)}`);
}

/** Starts `linkspan sync` between two connection strings, on a free port, without a migration. */
export async function openSync(
  uris: Uris,
  flags: readonly string[] = [],
  options: RunOptions = {},
): Promise<SyncProcess> {
  const args = [
    'sync',
    '--cluster0',
    uris.source,
    '--cluster1',
    uris.destination,
    '--port',
    '0',
    '--confirm-drops',
    ...flags,
  ];
  return await openSyncWith(args, options);
}

/** Starts `linkspan sync` with arguments, without a migration. */
export async function openSyncWith(args: readonly string[], options: RunOptions = {}): Promise<SyncProcess> {
  const linkspan = runLinkspan(args, options);
  const [, url] = await linkspan.waitForLine(/API is ready at (http:\/\/\S+)$/);
  // biome-ignore lint/suspicious/noExplicitAny: JSON, of which each test reads something else
  const answer = async (path: string, init?: RequestInit): Promise<any> =>
    await (await fetch(`${url}/${path}`, init)).json();
  return {
    linkspan,
    call: (name, body = {}) => answer(name, { method: 'POST', body: JSON.stringify(body) }),
    progress: async () => (await answer('progress')).progress,
    [Symbol.asyncDispose]: () => linkspan[Symbol.asyncDispose](),
  };
}
