import { fieldIn, withField } from './dialect/bson-edits.ts';
import { startRewritingProxy } from './dialect/rewriting-proxy.ts';
import { addressOf, throughProxies } from './dialect/set-in-dialect.ts';
import type { ReplicaSet } from './replica-set.ts';

/** A way to a set whose disk seems to be full. */
interface FullSet extends AsyncDisposable {
  readonly uri: string;
}

/** Puts a proxy in front of a set of one member. `dbStats` then says that its file system has no free space. All other answers are the server's. */
export async function withFullFileSystem({ uri }: ReplicaSet): Promise<FullSet> {
  const host = /^mongodb:\/\/(?:[^@/]*@)?([^/,]+)/.exec(uri)?.[1] ?? '';
  const proxies = new Map<string, string>();
  const proxy = await startRewritingProxy(addressOf(host), {
    request: ({ body }) => body,
    reply: (reply, command) => {
      if (command.name !== 'dbStats') return throughProxies(reply, command, proxies);
      return withField(reply, 'fsUsedSize', fieldIn(reply, 'fsTotalSize'));
    },
  });
  const address = `127.0.0.1:${proxy.port}`;
  proxies.set(host, address);
  return { uri: uri.replace(host, address), [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}
