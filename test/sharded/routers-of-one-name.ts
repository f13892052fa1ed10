import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { freePort } from '../support/mongod-process.ts';
import type { ShardedCluster } from '../support/sharded-cluster.ts';

const NAME = 'routers.example';

type AllFound = (error: NodeJS.ErrnoException | null, addresses: dns.LookupAddress[]) => void;

/** Routers behind one name. Disposing makes the name unknown again. */
export interface RoutersOfOneName extends AsyncDisposable {
  /** Connection string with the name and two ports. Nothing listens at the second one. */
  readonly uri: string;
  /** In front of each router, at another address of this host. */
  readonly proxies: readonly FaultProxy[];
}

/** Puts all routers of a cluster behind one name. Each look-up in this process begins with another address, as with a name server that spreads the load. */
export async function nameRouters({ routers }: Pick<ShardedCluster, 'routers'>): Promise<RoutersOfOneName> {
  await using resources = new AsyncDisposableStack();
  const [port, silent] = [await freePort(), await freePort()];
  const addresses = routers.map((_, n) => `127.0.0.${n + 1}`);
  const proxies: FaultProxy[] = [];
  for (const [n, router] of routers.entries())
    proxies.push(resources.use(await startFaultProxy(router.port, { host: addresses[n] ?? '', port })));
  resources.use(answerInTurns(addresses));
  const kept = resources.move();
  return {
    uri: `mongodb://${NAME}:${port},${NAME}:${silent}/?tls=false`,
    proxies,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function answerInTurns(addresses: readonly string[]): Disposable {
  const original = dns.lookup;
  let turn = 0;
  const lookup = (host: string, options: dns.LookupAllOptions, callback: AllFound) => {
    if (host !== NAME) return original(host, options, callback);
    turn = (turn + 1) % addresses.length;
    const inTurn = [...addresses.slice(turn), ...addresses.slice(0, turn)];
    process.nextTick(
      callback,
      null,
      inTurn.map((address) => ({ address, family: 4 })),
    );
  };
  const install = (installed: object) => {
    Object.assign(dns, { lookup: installed });
    syncBuiltinESMExports();
  };
  install(lookup);
  return { [Symbol.dispose]: () => install(original) };
}
