import { writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { type Examination, examine } from '../../engine/index.ts';
import { counted, messageOf, newId, UserError } from '../../platform/index.ts';
import { PreflightFailed, readSyncConfiguration } from '../../sync/index.ts';
import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { endOf } from '../command-line/outcome.ts';
import { outputOption } from '../command-line/output-option.ts';
import type { OutputFormat } from '../progress/index.ts';
import { openLog, tell } from '../terminal/index.ts';
import { withClusters } from './cluster-arguments.ts';
import { givenClusters } from './given-clusters.ts';
import { showPlan, writePlan } from './plan-result.ts';
import { searchIndexScript } from './search-index-script.ts';

interface PlanFlags {
  readonly cluster0?: string;
  readonly cluster1?: string;
  readonly dropDestination?: boolean;
  readonly keepDestination?: boolean;
  readonly usersAndRoles?: boolean;
  readonly reversible?: boolean;
  readonly acceptUntriedVersion?: boolean;
  readonly config?: string;
  readonly searchIndexScript?: string;
  readonly output: OutputFormat;
}

/** `linkspan plan`: estimates a migration and reports problems. Writes nothing to either side. */
export function planCommand(): Command {
  return withClusters(new Command('plan'))
    .description(
      'Check two clusters and estimate a migration: what it would copy, how long the copy may take, which problems would stop it, and ' +
        'warnings. It writes nothing to either side. Exit status 0: nothing stops the migration, 2: something does.',
    )
    .addOption(
      new Option('--drop-destination', 'Assume that all databases of the destination are dropped first').conflicts(
        'keepDestination',
      ),
    )
    .option('--keep-destination', 'Assume that the destination keeps its data')
    .option('--users-and-roles', 'Assume that users and custom roles are migrated as well')
    .option('--reversible', 'Assume that the migration can be reversed after the cutover')
    .option('--accept-untried-version', 'Continue although a server is newer than those that Linkspan knows')
    .option('--config <file>', 'YAML file of linkspan sync with selection and names')
    .option(
      '--search-index-script <file>',
      'Write a script for mongosh that creates the search indexes of the source on the destination; the file must not exist',
    )
    .addOption(outputOption())
    .action(async (source: string | undefined, destination: string | undefined, flags: PlanFlags) => {
      // Sockets to a server that does not answer can stay open for 30 s.
      process.exit(await runPlan(source, destination, flags));
    });
}

async function runPlan(
  source: string | undefined,
  destination: string | undefined,
  flags: PlanFlags,
): Promise<ExitCode> {
  try {
    const examination = await look(source, destination, flags);
    const stops = examination.findings.some(({ severity }) => severity === 'ERROR');
    const end = stops
      ? { code: exitCode.usageOrPrecondition, error: new PreflightFailed(examination.findings) }
      : { code: exitCode.done };
    if (flags.searchIndexScript !== undefined) writeScript(flags.searchIndexScript, examination);
    showPlan(examination, end, flags.output, process.stdout);
    return end.code;
  } catch (error) {
    if (flags.output === 'json') writePlan({ findings: [] }, endOf(error), process.stdout);
    throw error;
  }
}

/** @throws UserError USAGE if the search indexes are unknown, or the file can't be written */
function writeScript(file: string, { searchIndexes }: Examination): void {
  if (searchIndexes === undefined) throw new UserError('USAGE', ['The search indexes could not be listed']);
  try {
    writeFileSync(file, searchIndexScript(searchIndexes), { flag: 'wx' });
  } catch (error) {
    throw new UserError('USAGE', [`${file} could not be written: ${messageOf(error)}`]);
  }
  tell('linkspan plan', `${counted(searchIndexes.length, 'search index', 'search indexes')} in ${file}`);
}

async function look(
  source: string | undefined,
  destination: string | undefined,
  flags: PlanFlags,
): Promise<Examination> {
  const file = flags.config === undefined ? {} : readSyncConfiguration(flags.config);
  const uris = givenClusters([source, destination], flags, file);
  const limit = file.load?.maxMegabytesPerSecond;
  return await examine(
    {
      migrationId: newId(),
      source: { uri: uris.cluster0 },
      destination: { uri: uris.cluster1 },
      dropDestination: flags.dropDestination ?? false,
      usersAndRoles: flags.usersAndRoles ?? file.usersAndRoles,
      reversible: flags.reversible ?? file.reversible,
      acceptUntriedVersion: flags.acceptUntriedVersion ?? file.acceptUntriedVersion,
      copyBytesPerSecond: limit && limit * 1e6,
      ...file.selection,
      ...(flags.keepDestination ? { keepDestination: true } : {}),
      logger: await openLog({ level: process.env.LINKSPAN_LOG_LEVEL ?? file.logLevel ?? 'warn' }),
    },
    { measuresReading: true },
  );
}
