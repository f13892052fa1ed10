import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { failbackState, MIGRATION_STATES, order, phaseName, verificationMode } from '../../contract/index.ts';
import {
  accountsOf,
  findOrganizations,
  groupsOf,
  linkedAgentsOf,
  type Migration,
  openLinkTokensOf,
  type StoreReader,
  verifyAudit,
} from '../../control/index.ts';
import { messageOf, UserError, version } from '../../platform/index.ts';
import { openSqliteReader } from '../../store/sqlite/index.ts';
import { reporting } from '../command-line/reporting.ts';
import { tell } from '../terminal/index.ts';
import { dataDirectory } from '../terminal/setting.ts';

/** `linkspan support-bundle`: writes the facts that support needs, without anything confidential. */
export function supportBundleCommand(): Command {
  const command = new Command('support-bundle')
    .description(
      'Write a JSON file for diagnosis: versions, sizes, counts, and the state of migrations. It contains ids, but no secrets, names, hosts or messages. ' +
        'The server may run meanwhile.',
    )
    .addOption(dataDirectory())
    .requiredOption('--file <file>', 'File to write; must not exist');
  return reporting<{ readonly dataDir: string; readonly file: string }>(command, async ({ dataDir, file }) => {
    using store = openSqliteReader(dataDir);
    const bundle = `${JSON.stringify(await bundleOf(store, dataDir), null, 2)}\n`;
    try {
      writeFileSync(file, bundle, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      throw new UserError('USAGE', [`The file ${file} cannot be written: ${messageOf(error)}`], { cause: error });
    }
    tell('linkspan support-bundle', file);
    return { facts: { file } };
  });
}

async function bundleOf(store: StoreReader, directory: string): Promise<object> {
  const organizations = [];
  for (const { id, accessListRequired } of await findOrganizations(store)) {
    const groups = await groupsOf(store, id);
    organizations.push({
      id,
      accessListRequired,
      apiKeys: (await accountsOf(store, id, 'API_KEY')).length,
      serviceAccounts: (await accountsOf(store, id, 'SERVICE_ACCOUNT')).length,
      unusedLinkTokens: (await openLinkTokensOf(store, id)).length,
      agents: (await linkedAgentsOf(store, id)).map((agent) => ({
        id: agent.id,
        version: agent.version,
        deployments: agent.inventory.flatMap(({ deployments }) => deployments).length,
        lastReportAtMs: agent.lastReportAtMs,
      })),
      projects: groups.length,
      migrations: (await Promise.all(groups.map((group) => store.find('migrations', { groupId: group.id }))))
        .flat()
        .map(shown),
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

/** A value of an enumeration; anything else, which an agent may have written, is left out. */
const oneOf = <Value extends string>(...[first, ...others]: readonly Value[]) =>
  z
    .enum(first === undefined ? [] : [first, ...others])
    .optional()
    .catch(undefined);
const number = z.number().nullish().catch(undefined);
const flag = z.boolean().optional().catch(undefined);
const time = z.iso.datetime().optional().catch(undefined);
const numbers = z.record(z.string().regex(/^[A-Za-z]{1,40}$/), number).catch({});

const shownShard = z
  .object({ whyUnknown: z.unknown(), oplog: numbers.nullish(), rates: numbers.nullish(), pingMs: number })
  .transform(({ whyUnknown, ...figures }) => ({ isKnown: whyUnknown === null, ...figures }));

/** The fields of a migration that a bundle has: numbers, times and values of enumerations. Everything else may name something. */
const shownMigration = z.object({
  id: z.string(),
  agentId: z.string(),
  createdAtMs: number,
  updatedAtMs: number,
  reportedAtMs: number,
  state: z.object({
    status: oneOf('NEW', 'WORKING', 'FAILED', 'COMPLETE', 'EXPIRED'),
    order: order.optional().catch(undefined),
    failback: oneOf(...failbackState.options),
    orderSent: flag,
    failbackSinceMs: number,
    failbackReadyAfter: number,
    readyForCutover: flag,
    readySinceMs: number,
    cutoverRequestedAtMs: number,
    windowEndsAtMs: number,
    endedAtMs: number,
  }),
  progress: z
    .object({
      state: oneOf(...MIGRATION_STATES),
      phases: z.array(z.object({ name: oneOf(...phaseName.options), startedAt: time, endedAt: time })).catch([]),
      copy: numbers,
      indexes: z.object({ total: number, built: number }).catch({}),
      changes: numbers,
      verification: z
        .object({
          mode: oneOf(...verificationMode.options),
          phase: oneOf('OFF', 'WAITING', 'COMPARING', 'FOLLOWING'),
          documentsCompared: number,
          documentsRechecked: number,
          catalogDifferencesFound: number,
          externalWrites: number,
          seesExternalWrites: flag,
          mismatches: z.object({ found: number, open: number }).catch({}),
        })
        .catch({ mismatches: {} }),
      shards: z.array(shownShard).optional().catch(undefined),
      lagSeconds: number,
      readyForCutover: flag,
      canWrite: flag,
      pingMs: numbers,
    })
    .nullable(),
});

/** @throws Error for a record that has no id */
function shown(migration: Migration): object {
  const { state } = migration;
  const facts = { error: state.error?.code ?? null, isSourceWatched: state.sourceWatch !== undefined };
  return { ...shownMigration.parse(migration), ...facts };
}
