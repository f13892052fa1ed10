import { type DigestHelper, RangeDigester } from '../../src/engine/index.ts';
import { RunningMigration } from '../../test/engine/running-migration.ts';
import { startReplicaSet } from '../../test/support/replica-set.ts';
import { allowWrites } from '../../test/support/source-version.ts';
import { inBatches, sendBatches } from '../raw-commands.ts';
import { settle } from '../servers.ts';
import { documentsOf, KINDS, Text } from '../soak/data.ts';

/**
 * `npm run bench:digests`: the bytes that a migration of 30,000 events moves to and from a destination that is 50 ms away, with and without a
 * digest helper beside it, divided by those of the documents. It leaves out the questions and answers by the control plane: less than 3 KB for each range.
 */
const ONE_WAY_MS = 25;
const [kind] = KINDS as [(typeof KINDS)[number]];
const documents = documentsOf(kind, 0, 30_000, 1, new Text(1));
const bytes = documents.reduce((sum, { length }) => sum + length, 0);

await using source = await startReplicaSet();
await using destination = await startReplicaSet({ proxied: true });
await sendBatches(source.client, 'events', 'insert', inBatches(documents, 1_000), 2);
for (const compression of ['off', 'zstd'] as const)
  for (const isHelped of [false, true])
    console.log(JSON.stringify({ compression, isHelped, ...(await migrate(compression, isHelped)) }));

async function migrate(compression: 'off' | 'zstd', isHelped: boolean) {
  await allowWrites(source.client);
  await settle(destination.client);
  for (const proxy of destination.proxies) proxy.set({ latencyMs: ONE_WAY_MS });
  const before = carried();
  const [member] = destination.members;
  await using digester = new RangeDigester({ uri: `mongodb://127.0.0.1:${member?.port}/?directConnection=true` });
  let questions = 0;
  const digests: DigestHelper = {
    host: 'beside',
    ask: (question, signal) => {
      questions += 1;
      return digester.digest(question, signal);
    },
  };
  await using running = RunningMigration.start(
    { source, destination },
    {
      source: { uri: source.uri, compression },
      destination: { uri: destination.uri, compression },
      ...(isHelped && { digests }),
    },
  );
  await running.commit();
  return { bytesOnTheWire: Number(((carried() - before) / bytes).toFixed(3)), questions };
}

function carried(): number {
  return destination.proxies.reduce((sum, proxy) => sum + proxy.bytes, 0);
}
