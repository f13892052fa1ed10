import { Command } from 'commander';
import {
  checkAgent,
  endsLink,
  linkTokenFrom,
  MigrationHost,
  openOpsManagerApi,
  readAgentConfiguration,
} from '../../agent/index.ts';
import type { CompressionMode } from '../../contract/index.ts';
import { engineSamples } from '../../metrics/index.ts';
import { guardDialling, systemClock, UserError } from '../../platform/index.ts';
import { takeDirectory } from '../../store/sqlite/index.ts';
import { compressionOption } from '../command-line/compression-option.ts';
import { describeError } from '../command-line/describe-error.ts';
import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { serveMetrics } from '../command-line/metrics.ts';
import { type MetricsFlags, metricsOptions } from '../command-line/metrics-options.ts';
import { type ReportCheck, reporting } from '../command-line/reporting.ts';
import { catchSignals } from '../command-line/signals.ts';
import { type LogFormat, logFormat, openLog, tell as tellLine } from '../terminal/index.ts';

/** `linkspan agent`: runs the migration host, a service beside the source clusters. */
export function agentCommand(): Command {
  const [metricsListen, metricsTokenFile] = metricsOptions();
  return new Command('agent')
    .description(
      'Run the migration host. It connects to the control plane of its link-token, reports the source clusters, and runs the migrations that it is assigned. ' +
        'The first start reads the link-token from LINKSPAN_LINK_TOKEN or from the file that LINKSPAN_LINK_TOKEN_FILE names.',
    )
    .requiredOption('--config <file>', 'YAML file; deploy/agent.schema.json describes its fields')
    .addOption(compressionOption())
    .addOption(metricsListen)
    .addOption(metricsTokenFile)
    .addOption(logFormat())
    .action(async (options: AgentCommandOptions) => {
      process.exitCode = await runAgent(options);
    })
    .commandsGroup('Core commands:')
    .addCommand(
      reporting<AgentCommandOptions>(
        new Command('check')
          .summary('Check configuration, link, control plane and sources (read-only)')
          .description('Check configuration, link, control plane and sources. It changes nothing.')
          // --config is a flag of `agent`; without this the help would not show it.
          .configureHelp({ showGlobalOptions: true }),
        ({ config }, report) => check(config, report),
      ),
    );
}

interface AgentCommandOptions extends MetricsFlags {
  readonly config: string;
  readonly compression?: CompressionMode;
  readonly logFormat?: LogFormat;
}

async function check(file: string, report: ReportCheck): Promise<{ readonly code: ExitCode }> {
  const configuration = readAgentConfiguration(file);
  using _guard = guardDialling(configuration, tell);
  report('ok', `configuration ${file}`, `host ${configuration.host}`);
  const destinations = configuration.allowedDestinations?.join(', ') ?? 'anywhere but on this machine';
  report('ok', 'destinations', destinations);
  let code: ExitCode = exitCode.done;
  for await (const { subject, ok, message } of checkAgent(configuration, linkTokenFrom(process.env), systemClock)) {
    report(ok ? 'ok' : 'failed', subject, message);
    if (!ok) code = exitCode.usageOrPrecondition;
  }
  return { code };
}

async function runAgent({ config, compression, logFormat: format, ...flags }: AgentCommandOptions): Promise<ExitCode> {
  using signals = catchSignals();
  const configuration = { ...readAgentConfiguration(config), ...(compression && { compression }) };
  // Two agents with one identity would take each migration from each other in turn.
  using _directory = takeDirectory(configuration.dataDir);
  using _guard = guardDialling(configuration, tell);
  const { host, opsManagerApi } = configuration;
  const logger = await openLog({ format });
  const token = linkTokenFrom(process.env);
  // Child processes and crash reports must not contain the token.
  delete process.env.LINKSPAN_LINK_TOKEN;
  let isLinked = false;
  let linkEnded = false;
  const migrationHost = new MigrationHost({
    configuration,
    logger,
    clock: systemClock,
    linked: ({ orgId, serverUrl }) => {
      isLinked = true;
      tell(`linked to organization ${orgId} at ${serverUrl} as host ${host}`);
    },
  });
  const measured = {
    command: 'agent' as const,
    measure: async () => engineSamples(migrationHost.migrations),
    notReady: () => (linkEnded ? ['the link has ended, and a new link-token is needed'] : notReady(migrationHost)),
  };
  await serveMetrics(flags, configuration.metrics, measured, logger);
  if (opsManagerApi) {
    const { url } = await openOpsManagerApi(opsManagerApi, migrationHost, logger, systemClock);
    tell(`Ops Manager's calls are served at ${url}`);
  }
  let code: ExitCode = exitCode.done;
  try {
    await migrationHost.run(token, signals.signal);
  } catch (error) {
    if (!signals.received()) {
      tell(describeError(error), 'error');
      // A supervisor would start it again and again: only a new link-token helps.
      const isPlanned = endsLink(error) || (!isLinked && error instanceof UserError);
      code = isPlanned ? exitCode.usageOrPrecondition : exitCode.failed;
      linkEnded = endsLink(error);
      // Kubernetes restarts a container after any exit.
      while (linkEnded && process.env.KUBERNETES_SERVICE_HOST !== undefined && !signals.received())
        await systemClock.sleep(60_000, signals.signal);
    }
  }
  // Sockets to a cluster that does not answer can stay open for 30 s. All state is durable by now, so the process does not wait.
  process.exit(code);
}

/** Returns why the agent is not ready, in phrases that any client may read; empty when it is. */
function notReady({ current, isSynced }: MigrationHost): string[] {
  if (current === undefined) return ['the agent is not linked'];
  return isSynced ? [] : ['the control plane has no recent report'];
}

function tell(text: string, level?: 'error'): void {
  tellLine('linkspan agent', text, level);
}
