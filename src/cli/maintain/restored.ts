import { join } from 'node:path';
import { Command, Option } from 'commander';
import {
  acknowledgeRestores,
  assertMasterKey,
  credentialsToReview,
  loadMasterKeys,
  Sealer,
  settleRestore,
  unacknowledgedRestores,
  withAuditMacs,
} from '../../control/index.ts';
import { systemClock } from '../../platform/index.ts';
import { declareStoreRestored, openSqliteReader, openSqliteStore } from '../../store/sqlite/index.ts';
import { reporting } from '../command-line/reporting.ts';
import { tell as tellLine, withoutControls } from '../terminal/index.ts';
import { dataDirectory, masterKeyFile } from '../terminal/setting.ts';

interface RestoredOptions {
  readonly dataDir: string;
  readonly masterKeyFile?: string;
  readonly acknowledge?: boolean;
  readonly declare?: boolean;
}

/** `linkspan restored`: supports the review of credentials after a restore. */
export function restoredCommand(): Command {
  const command = new Command('restored')
    .description(
      'List the API keys, service accounts and linked agents of a restored store. Those that were deleted since the backup work again. ' +
        'The server may run meanwhile; stop it for --acknowledge and --declare.',
    )
    .addOption(dataDirectory())
    .addOption(masterKeyFile())
    .option('--acknowledge', 'Record that you reviewed the credentials; this ends the warning at each start')
    .addOption(
      new Option(
        '--declare',
        'Report a restore that Linkspan cannot detect: of the whole data directory, disk or machine',
      ).conflicts('acknowledge'),
    );
  return reporting<RestoredOptions>(command, async ({ dataDir, declare: isDeclared, ...options }) => {
    process.umask(0o077);
    if (isDeclared) declare(dataDir);
    else if (options.acknowledge) await acknowledge(dataDir, options.masterKeyFile ?? join(dataDir, 'master.key'));
    else return await list(dataDir);
    return {};
  });
}

function declare(directory: string): void {
  declareStoreRestored(directory);
  tell(`the next start of the server treats ${directory} as restored`);
}

async function acknowledge(directory: string, keyFile: string): Promise<void> {
  const sealer = new Sealer(loadMasterKeys(keyFile, false));
  await using opened = openSqliteStore(directory);
  await assertMasterKey({ store: opened, sealer }, keyFile);
  const store = withAuditMacs(opened, sealer);
  const parts = { store, clock: systemClock };
  // No operator has reviewed the credentials of a restore that was detected only now.
  if (store.putBack !== null) {
    await settleRestore(parts);
    return tell('a restore was detected only now: review the list first, then acknowledge it');
  }
  const count = await acknowledgeRestores(parts);
  tell(
    count === 0
      ? 'no restore waits for a review'
      : `the review of ${count === 1 ? '1 restore' : `${count} restores`} is on record`,
  );
}

async function list(directory: string) {
  using store = openSqliteReader(directory);
  const waiting = await unacknowledgedRestores(store);
  if (waiting.length === 0) {
    tell('no restore waits for a review');
    return { facts: { restores: [], credentials: [] } };
  }
  for (const { createdAtMs, reason } of waiting) tell(`noticed at ${new Date(createdAtMs).toISOString()} (${reason})`);
  const credentials = (await credentialsToReview(store)).flatMap(
    ({ organization: { id: orgId }, apiKeys, serviceAccounts, agents }) => [
      ...apiKeys.map(({ name, description }) => ({ orgId, kind: 'api key', name, title: description })),
      ...serviceAccounts.map(({ name, title }) => ({ orgId, kind: 'service account', name, title })),
      ...agents.map(({ host, linkId }) => ({ orgId, kind: 'agent', name: host, title: linkId })),
    ],
  );
  const line = ({ orgId, kind, name, title }: (typeof credentials)[number]) =>
    `${orgId} ${withoutControls(`${kind} ${name} ${title}`).trim()}\n`;
  const restores = waiting.map(({ createdAtMs, reason }) => ({ noticed: new Date(createdAtMs).toISOString(), reason }));
  return { text: credentials.map(line).join(''), facts: { restores, credentials } };
}

function tell(text: string): void {
  tellLine('linkspan restored', text);
}
