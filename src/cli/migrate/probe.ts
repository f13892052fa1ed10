import { Command } from 'commander';
import { type ProbeReport, probeClusters } from '../../engine/index.ts';
import { UserError } from '../../platform/index.ts';
import { readSyncConfiguration } from '../../sync/index.ts';
import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { type End, endOf } from '../command-line/outcome.ts';
import { outputOption } from '../command-line/output-option.ts';
import { catchSignals } from '../command-line/signals.ts';
import type { OutputFormat } from '../progress/index.ts';
import { tell } from '../terminal/index.ts';
import { withClusters } from './cluster-arguments.ts';
import { givenClusters } from './given-clusters.ts';
import { showProbe, writeProbe } from './probe-result.ts';

interface ProbeFlags {
  readonly cluster0?: string;
  readonly cluster1?: string;
  readonly config?: string;
  readonly scratch?: boolean;
  readonly yes?: boolean;
  readonly output: OutputFormat;
}

const WRITES =
  'the source is only read. On the destination it makes a database linkspan_probe, and removes it within about a minute. On MongoDB 9.0, it also records there whether it could read and write time series';
const BLOCKS = '. With --scratch it also blocks the writes of all users of the destination for a moment';

/**
 * `linkspan probe`: tries on two clusters the server behaviour that the engine relies on. It never asks, so it needs
 * `--yes` to write.
 */
export function probeCommand(): Command {
  return withClusters(new Command('probe'))
    .description(
      'Try on two clusters what Linkspan relies on, and compare that with what it expects of their versions. Takes a minute at most. The source is only read; ' +
        'on the destination, the probe makes a database linkspan_probe and removes it. The JSON has no data of users, and can be sent to the project. ' +
        'Exit status 0: nothing endangers data, 2: something does, or the clusters cannot be probed.',
    )
    .option('--config <file>', 'YAML file of linkspan sync with both connection strings')
    .option('--scratch', 'The destination is a scratch cluster: also block the writes of its users for a moment')
    .option('--yes', 'Write to the destination; without it, the probe only says what it would write')
    .addOption(outputOption())
    .action(async (source: string | undefined, destination: string | undefined, flags: ProbeFlags) => {
      // Sockets to a server that does not answer can stay open for 30 s.
      process.exit(await runProbe(source, destination, flags));
    });
}

async function runProbe(
  source: string | undefined,
  destination: string | undefined,
  flags: ProbeFlags,
): Promise<ExitCode> {
  try {
    const file = flags.config === undefined ? {} : readSyncConfiguration(flags.config);
    const { cluster0, cluster1 } = givenClusters([source, destination], flags, file);
    const writes = WRITES + (flags.scratch ? BLOCKS : '');
    if (!flags.yes) throw new UserError('USAGE', [`linkspan probe writes: ${writes}. Add --yes to run it`]);
    tell('linkspan probe', writes);
    using signals = catchSignals();
    const options = { source: { uri: cluster0 }, destination: { uri: cluster1 }, isScratch: flags.scratch ?? false };
    const report = await probeClusters(options, signals.signal);
    const end = signals.signal.aborted
      ? { code: signals.received() === 'SIGINT' ? exitCode.interrupted : exitCode.failed }
      : endOfReport(report);
    showProbe(report, end, flags.output, process.stdout);
    return end.code;
  } catch (error) {
    if (flags.output === 'json') writeProbe(undefined, endOf(error), process.stdout);
    throw error;
  }
}

function endOfReport({ facts }: ProbeReport): End {
  const dangers = facts.filter(({ verdict }) => verdict === 'ENDANGERS_DATA').map(({ name }) => name);
  // rule: end-of-dangerous-probe
  if (dangers.length === 0) return { code: exitCode.done };
  return { code: exitCode.usageOrPrecondition, error: new UserError('PROBE_MISMATCH', [dangers.join(', ')]) };
}
