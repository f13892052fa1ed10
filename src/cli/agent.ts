import { Command } from 'commander';
import { Agent, establishLink, linkTokenFrom, readAgentConfiguration } from '../agent/index.ts';
import { createLogger, systemClock } from '../platform/index.ts';
import { describeError } from './describe-error.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { catchSignals } from './signals.ts';

/** `linkspan agent`: the migration host, a service beside the source clusters. */
export function agentCommand(): Command {
  return new Command('agent')
    .summary('run the migration host beside the source clusters')
    .description(
      'Run the migration host: connect to the control plane that a link-token names, show the source clusters, and migrate when told to. ' +
        'The first start takes the link-token from LINKSPAN_LINK_TOKEN or from the file LINKSPAN_LINK_TOKEN_FILE.',
    )
    .requiredOption('--config <file>', 'YAML file: host, dataDir, projects, memoryMegabytes, copy')
    .action(async ({ config }: { readonly config: string }) => {
      process.exitCode = await runAgent(config);
    });
}

async function runAgent(file: string): Promise<ExitCode> {
  using signals = catchSignals();
  const configuration = readAgentConfiguration(file);
  const { dataDir, host } = configuration;
  const logger = createLogger();
  const token = linkTokenFrom(process.env);
  // Neither a child process nor a crash report has any business with it.
  delete process.env.LINKSPAN_LINK_TOKEN;
  let agent: Agent;
  try {
    const { client, link } = await establishLink({ dataDir, host, token, clock: systemClock }, signals.signal);
    tell(`linked to organization ${link.orgId} at ${link.serverUrl} as host ${host}`);
    agent = new Agent({ configuration, client, logger });
  } catch (error) {
    if (signals.received()) return exitCode.done;
    throw error;
  }
  let code: ExitCode = exitCode.done;
  try {
    await agent.run(signals.signal);
  } catch (error) {
    tell(describeError(error));
    code = exitCode.failed;
  }
  // A cluster that does not answer can hold sockets open for half a minute. Everything that matters is durable by now.
  process.exit(code);
}

function tell(text: string): void {
  process.stderr.write(`linkspan agent: ${text}\n`);
}
