import type { MongoClient, ServerDescription, TopologyDescription } from 'mongodb';

/** How the driver chooses servers. Its type isn't exported. */
type Selector = (topology: TopologyDescription, servers: readonly ServerDescription[]) => readonly ServerDescription[];

/**
 * Makes a connected client of a sharded cluster send everything to one router, and to another one once that is lost. A cursor,
 * a session and a transaction belong to the router that began them. By default the driver spreads commands over all
 * routers, so that half of the `getMore` fail with CursorNotFound.
 *
 * The driver offers no way to choose a router, so this file uses the driver's internals.
 * `test/sharded/one-router.test.ts` is its contract test.
 */
export function stayWithOneRouter(client: MongoClient): void {
  const topology = Reflect.get(client, 'topology');
  const select = topology.selectServer.bind(topology);
  let current: string | undefined;
  const pickRouter: Selector = (_, servers) => {
    const routers = servers.filter(({ type }) => type === 'Mongos');
    const nearest = routers.toSorted((a, b) => a.roundTripTime - b.roundTripTime)[0];
    // rule: stay-with-router
    const router = routers.find(({ address }) => address === current) ?? nearest;
    // rule: next-router-after-loss
    current = router?.address;
    return router === undefined ? [] : [router];
  };
  // A function means that the driver wants one server: that of its own cursor.
  topology.selectServer = (selector: unknown, options: object) =>
    select(typeof selector === 'function' ? selector : pickRouter, options);
}
