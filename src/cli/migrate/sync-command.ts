import { Command, InvalidArgumentError, Option } from 'commander';
import { LEAST_MEMORY_MEGABYTES } from '../../engine/index.ts';
import { compressionOption } from '../command-line/compression-option.ts';
import { metricsOptions } from '../command-line/metrics-options.ts';
import { outputOption } from '../command-line/output-option.ts';
import { withClusters } from './cluster-arguments.ts';
import { withMongosyncFlags } from './mongosync-flags.ts';
import { DEFAULT_PORT, DEFAULT_WATCH_MINUTES, LOAD_LEVELS, type SyncFlags, VERBOSITIES } from './sync-flags.ts';

/** `linkspan sync`: runs one migration without a control plane. The engine loads when it runs, so that the help starts fast. */
export function syncCommand(): Command {
  const [metricsListen, metricsTokenFile] = metricsOptions();
  return withClusters(withMongosyncFlags(new Command('sync')))
    .description(
      'Migrate between two replica sets, or from a sharded cluster to a replica set, without a control plane. With --once, it copies cluster0 to cluster1, catches up and ends. ' +
        "Otherwise it serves mongosync's HTTP API on loopback, and takes mongosync's flags under their names. Run again with the same clusters, it resumes from its checkpoint.",
    )
    .option('--port <number>', `Port of the HTTP API (default: ${DEFAULT_PORT})`, parsePort)
    .option('--once', 'Copy cluster0 to cluster1, catch up once, end')
    .addOption(
      new Option(
        '--verify <mode>',
        'Compare both sides before the end or the cutover. repair (default): write documents that differ again. ' +
          'report: change nothing, and refuse the cutover while something differs',
      ).choices(['repair', 'report']),
    )
    .option('--no-verify', 'Skip verification')
    .addOption(
      new Option(
        '--drop-destination [side]',
        'Allow dropping all databases of the destination first; without --once it must name the side',
      ).choices(['cluster0', 'cluster1']),
    )
    .option('--api-token-file <file>', 'File of mode 600 with the token that every API call except GET must send')
    .option(
      '--watch-source-minutes <number>',
      `Watch a blocked source for writes after the commit, 0 to not watch it (default: ${DEFAULT_WATCH_MINUTES})`,
      parseMinutes,
    )
    .option('--hooks-file <file>', 'YAML file with commands and webhooks that receive events of the migration')
    .addOption(metricsListen)
    .addOption(metricsTokenFile)
    .addOption(
      new Option('--keep-destination', 'With --once: keep the data of the destination and copy beside it').conflicts(
        'dropDestination',
      ),
    )
    .option('--confirm-drops', 'Apply drops of the source even if they remove most of the copied data')
    .addOption(
      new Option(
        '--standby',
        'Wait beside the process on another host that leads the migration, and take over when it ends or is silent',
      ).conflicts('once'),
    )
    .option('--take-over', 'Take over the migration from another process, which then stops')
    .option('--accept-untried-version', 'Continue although a server is newer than those that Linkspan knows')
    .option('--users-and-roles', 'Also migrate users and custom roles, at the cutover')
    .addOption(
      new Option(
        '--reversible',
        'After the commit, follow the destination back to the source, so that a second commit can return to it',
      ).conflicts(['once', 'keepDestination']),
    )
    .option(
      '--memory-megabytes <number>',
      `Memory limit in megabytes, at least ${LEAST_MEMORY_MEGABYTES} (default: 512)`,
      parseMemory,
    )
    .addOption(
      new Option(
        '--load-level <level>',
        'Load level of the initial sync, from 1 (lowest load) to 4 (default: 3)',
      ).choices(LOAD_LEVELS.map(String)),
    )
    .option('--max-megabytes-per-second <number>', 'Limit of the initial sync', parseRate)
    .addOption(compressionOption())
    .addOption(new Option('--verbosity <level>', 'Least level of the log (default: WARN)').choices(VERBOSITIES))
    .option(
      '--log-path <directory>',
      'Directory for the log, in place of stderr, from INFO on; SIGHUP or SIGUSR1 begins a new file',
    )
    .option('--config <file>', 'YAML file with these settings; it may refer to environment variables')
    .addOption(outputOption())
    .action(async (source: string | undefined, destination: string | undefined, flags: SyncFlags) => {
      const { runSync } = await import('./sync.ts');
      process.exitCode = await runSync([source, destination], flags);
    });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('It is not a port number.');
  return port;
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (!(minutes >= 0 && minutes <= 10_080)) throw new InvalidArgumentError('It is not a number from 0 to 10080.');
  return minutes;
}

function parseMemory(text: string): number {
  const megabytes = Number(text);
  if (!(megabytes >= LEAST_MEMORY_MEGABYTES)) {
    throw new InvalidArgumentError(`It is not a number of at least ${LEAST_MEMORY_MEGABYTES}.`);
  }
  return megabytes;
}

function parseRate(text: string): number {
  const megabytes = Number(text);
  if (!(megabytes > 0 && Number.isFinite(megabytes))) throw new InvalidArgumentError('It is not a number above 0.');
  return megabytes;
}
