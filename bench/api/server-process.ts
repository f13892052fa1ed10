import { randomBytes } from 'node:crypto';
import { registerAtlasApi } from '../../src/atlas-api/index.ts';
import {
  AgentSignals,
  Alarm,
  bootstrap,
  type Control,
  Sealer,
  SecurityEvents,
  ServerKeys,
  type Store,
  withAuditMacs,
} from '../../src/control/index.ts';
import { registerGateway } from '../../src/gateway/index.ts';
import {
  createServer,
  type DigestAlgorithm,
  digestSecrets,
  FailedAttempts,
  isOnAccessList,
} from '../../src/http/index.ts';
import { silentLogger, systemClock } from '../../src/platform/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { unreachedDestinations } from '../../test/atlas-api/unreached-destinations.ts';

/** The message that a server process sends when it listens. */
export interface Listening {
  readonly port: number;
  readonly orgId: string;
  readonly publicKey: string;
  readonly privateKey: string;
}

/** `one-by-one` commits for each request, `sha-256` asks for digests of that algorithm in place of MD5. */
export type Kind = 'linkspan' | 'one-by-one' | 'sha-256';

const [kind = 'linkspan', directory = ''] = process.argv.slice(2);
process.send?.(await serveLinkspan(kind, directory));
process.on('disconnect', () => process.exit());

async function serveLinkspan(variant: string, path: string): Promise<Listening> {
  let url = '';
  const sealer = new Sealer([randomBytes(32)]);
  const store = withAuditMacs(openSqliteStore(path), sealer);
  const control: Control = {
    store: variant === 'one-by-one' ? oneByOne(store) : store,
    sealer,
    clock: systemClock,
    signals: new AgentSignals(),
    security: new SecurityEvents({ store, clock: systemClock, logger: silentLogger }),
    serverKeys: await ServerKeys.open({ store, sealer, clock: systemClock }),
    publicUrl: () => url,
    verifiersOf: digestSecrets,
    destinations: unreachedDestinations,
    destinationUsers: 'FIXED',
    userAlarm: new Alarm(),
    isOnAccessList,
  };
  const app = createServer({ logger: silentLogger });
  const digestAlgorithms: DigestAlgorithm[] = [variant === 'sha-256' ? 'SHA-256' : 'MD5'];
  const failedAttempts = new FailedAttempts(60, systemClock);
  const logger = silentLogger;
  await registerAtlasApi(app, control, { logger, failedAttempts, digestAlgorithms, rateLimits: false });
  await registerGateway(app, control, logger, failedAttempts);
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  const first = await bootstrap(control, {});
  if (!first) throw new Error('the store is not new');
  return { port: Number(new URL(url).port), ...first };
}

/** Starts each write after the previous one is on disk, so that no two share a commit. */
function oneByOne(store: Store): Store {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...store,
    write: (work) => {
      const next = last.then(() => store.write(work));
      last = next.catch(() => undefined);
      return next;
    },
  };
}
