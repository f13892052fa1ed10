import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Migration, type StoreReader, verifyAudit } from '../../control/index.ts';
import { messageOf, UserError, version } from '../../platform/index.ts';
import { openSqliteReader } from '../../store/sqlite/index.ts';
import { tell } from '../terminal/index.ts';
import { dataDirectory } from '../terminal/setting.ts';

/** `linkspan support-bundle`: writes the facts that support needs, without anything confidential. */
export function supportBundleCommand(): Command {
  return new Command('support-bundle')
    .description(
      'Write a JSON file for diagnosis: versions, sizes, counts, and the state of migrations. It contains ids, but no secrets, names, hosts or messages. ' +
        'The server may run meanwhile.',
    )
    .addOption(dataDirectory())
    .requiredOption('--file <file>', 'File to write; must not exist')
    .action(async ({ dataDir, file }: { readonly dataDir: string; readonly file: string }) => {
      using store = openSqliteReader(dataDir);
      const bundle = `${JSON.stringify(await bundleOf(store, dataDir), null, 2)}\n`;
      try {
        writeFileSync(file, bundle, { flag: 'wx', mode: 0o600 });
      } catch (error) {
        throw new UserError('USAGE', [`The file ${file} cannot be written: ${messageOf(error)}`], { cause: error });
      }
      tell('linkspan support-bundle', file);
    });
}

async function bundleOf(store: StoreReader, directory: string): Promise<object> {
  const organizations = [];
  for (const { id, accessListRequired } of await store.organizations()) {
    const groups = await store.groupsOf(id);
    organizations.push({
      id,
      accessListRequired,
      apiKeys: (await store.apiKeysOf(id)).length,
      serviceAccounts: (await store.serviceAccountsOf(id)).length,
      unusedLinkTokens: (await store.openLinkTokensOf(id)).length,
      agents: (await store.linkedAgentsOf(id)).map((agent) => ({
        id: agent.id,
        version: agent.version,
        deployments: agent.inventory.flatMap(({ deployments }) => deployments).length,
        lastReportAtMs: agent.lastReportAtMs,
      })),
      projects: groups.length,
      migrations: (await Promise.all(groups.map((group) => store.migrationsOf(group.id)))).flat().map(shown),
    });
  }
  const { platform, arch, versions } = process;
  return {
    linkspan: version,
    node: versions.node,
    platform: `${platform} ${arch}`,
    files: readdirSync(directory).map((name) => ({ name, bytes: statSync(join(directory, name)).size })),
    audit: await verifyAudit(store),
    organizations,
  };
}

type Verification = NonNullable<Migration['progress']>['verification'];

function shown({ id, agentId, state, progress, createdAtMs, updatedAtMs }: Migration): object {
  const { errorMessage, ...rest } = state;
  const { phases, copy, indexes, changes, verification, lagSeconds, readyForCutover, canWrite, pingMs } =
    progress ?? {};
  // Omits `building`, which contains namespaces.
  const { total, built } = indexes ?? {};
  const work = {
    state: progress?.state,
    phases,
    copy,
    indexes: { total, built },
    changes,
    verification: verification && countsOf(verification),
    shards: progress?.shards?.map(figuresOf),
    lagSeconds,
    readyForCutover,
    canWrite,
    pingMs,
  };
  return { id, agentId, ...rest, hasErrorMessage: errorMessage !== null, work, createdAtMs, updatedAtMs };
}

type Shard = NonNullable<NonNullable<Migration['progress']>['shards']>[number];

/** Returns the figures of a sharded source's shard. Its name, and the reason why it is unknown, can contain hosts. */
function figuresOf({ whyUnknown, oplog, rates, pingMs }: Shard): object {
  return {
    isKnown: whyUnknown === null,
    windowSeconds: oplog?.windowSeconds,
    leftSeconds: oplog?.leftSeconds,
    writesPerSecond: rates?.writesPerSecond,
    readsPerSecond: rates?.readsPerSecond,
    oplogBytesPerSecond: rates?.oplogBytesPerSecond,
    pingMs,
  };
}

/** Returns the counts of a verification. Mismatches and differences of catalogs contain names. */
function countsOf({
  mode,
  phase,
  documentsCompared,
  documentsRechecked,
  mismatches,
  ...verification
}: Verification): object {
  const { found, open } = mismatches;
  const { catalogDifferencesFound, foreignWrites, seesForeignWrites } = verification;
  return {
    mode,
    phase,
    documentsCompared,
    documentsRechecked,
    found,
    open,
    catalogDifferencesFound,
    foreignWrites,
    seesForeignWrites,
  };
}
