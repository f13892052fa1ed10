import { Command } from 'commander';
import { UserError } from '../../platform/index.ts';
import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { reporting } from '../command-line/reporting.ts';
import { checkHost, readHost } from './host-checks.ts';

interface DoctorOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly cluster0?: string;
  readonly cluster1?: string;
}

/**
 * `linkspan doctor`: checks the machine, and what it is given of a server, an agent and a migration.
 * @param run  runs another command of the program, and returns its exit code
 */
export function doctorCommand(run: (words: readonly string[]) => Promise<ExitCode>): Command {
  const command = new Command('doctor')
    .description(
      'Check this host, and everything that is named: the agent of a configuration file (as "agent check" does), the server of a data directory ' +
        '(as "serve check" does, with the settings of the environment), and two clusters (as "plan" does). It changes nothing.',
    )
    .option('--config <file>', "The agent's YAML file")
    .option('--data-dir <dir>', "The server's data directory")
    .option('--cluster0 <uri>', 'Connection string of a source')
    .option('--cluster1 <uri>', 'Connection string of a destination');
  return reporting<DoctorOptions>(command, async (options, check) => {
    const commands = commandsFor(options);
    for (const { level, subject, message } of checkHost(readHost())) check(level, subject, message);
    let code: ExitCode = exitCode.done;
    const failed: string[] = [];
    for (const words of commands) {
      if (options.output === 'text') process.stdout.write(`\nlinkspan ${words[0]}:\n`);
      const its = await run([...words, '--output', options.output]);
      if (its !== exitCode.done) failed.push(`linkspan ${words[0]}`);
      if (its > code) code = its;
    }
    return failed.length === 0 ? {} : { code, error: new UserError('CHECKS_FAILED', [failed.join(', ')]) };
  });
}

function commandsFor({ config, dataDir, cluster0, cluster1 }: DoctorOptions): string[][] {
  if ((cluster0 === undefined) !== (cluster1 === undefined))
    throw new UserError('USAGE', ['doctor needs both of --cluster0 and --cluster1, or none']);
  return [
    ...(dataDir === undefined ? [] : [['serve', 'check', '--data-dir', dataDir]]),
    ...(config === undefined ? [] : [['agent', 'check', '--config', config]]),
    ...(cluster0 === undefined || cluster1 === undefined
      ? []
      : [['plan', '--cluster0', cluster0, '--cluster1', cluster1]]),
  ];
}
