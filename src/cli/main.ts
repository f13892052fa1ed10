import { Command, CommanderError } from 'commander';
import { version } from '../platform/index.ts';
import { describeError } from './command-line/describe-error.ts';
import { type ExitCode, exitCode } from './command-line/exit-code.ts';
import { endOf } from './command-line/outcome.ts';
import { noteRunning, usageText } from './command-line/usage.ts';
import { configureHelp, takeNoColor, tell as tellLine, wrap } from './terminal/index.ts';

/** Loaded when they are asked for: the control plane starts in half the time without the engine and the driver. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./run/serve.ts')).serveCommand(),
  agent: async () => (await import('./run/agent.ts')).agentCommand(),
  cleanup: async () => (await import('./migrate/cleanup.ts')).cleanupCommand(),
  sync: async () => (await import('./migrate/sync.ts')).syncCommand(),
  plan: async () => (await import('./migrate/plan.ts')).planCommand(),
  backup: async () => (await import('./maintain/backup.ts')).backupCommand(),
  restore: async () => (await import('./maintain/backup.ts')).restoreCommand(),
  restored: async () => (await import('./maintain/restored.ts')).restoredCommand(),
  'support-bundle': async () => (await import('./maintain/support-bundle.ts')).supportBundleCommand(),
  keys: async () => (await import('./maintain/keys.ts')).keysCommand(),
  audit: async () => (await import('./maintain/audit.ts')).auditCommand(),
  completion: async () => (await import('./completion/index.ts')).completionCommand(linkspan),
  ...Object.fromEntries(
    [
      'org',
      'project',
      'cluster',
      'api-key',
      'service-account',
      'link-token',
      'link',
      'available-project',
      'validation',
      'migration',
      'event',
      'status',
    ].map((noun) => [noun, async () => (await import('./administration/index.ts')).administrationCommand(noun)]),
  ),
};

const EXIT_STATUS =
  'Exit status: 0 done · 1 failed · 2 usage or precondition · 3 differences found · 4 stopped, can be resumed · 130 interrupted';

/**
 * Runs one command line. Commands that go on in the background (servers) resolve when they are done too.
 * @param argv what follows the program's name
 * @returns the exit code; every error has been told on stderr by then
 */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  process.stdout.on('error', ignoreClosedPipe);
  process.stderr.on('error', ignoreClosedPipe);
  process.on('uncaughtException', (error) => {
    tell(describeError(error));
    process.exit(exitCode.failed);
  });
  try {
    const words = takeNoColor(argv);
    const program = await linkspan(words[0]);
    await program.parseAsync(words, { from: 'user' });
    return (process.exitCode ?? exitCode.done) as ExitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usageOrPrecondition;
    tell(describeError(error));
    return endOf(error).code;
  }
}

/** @param name  of the command that is wanted; all are there for help, and where it is none of them */
async function linkspan(name = ''): Promise<Command> {
  const program = new Command('linkspan')
    .description('Self-hosted push live migration for MongoDB that speaks the MongoDB Atlas Administration API.')
    .version(version)
    .option('--no-color', 'print without colours, as NO_COLOR=1 does; every command has this flag')
    .addHelpText('after', () => `\n${wrap(EXIT_STATUS, process.stdout, 2)}`)
    .hook('preAction', (_program, action) => noteRunning(action));
  const wanted = Object.entries(commands).filter(([one]) => one === name || !Object.hasOwn(commands, name));
  for (const [, load] of wanted) program.addCommand(await load());
  for (const command of everyCommand(program)) {
    command.exitOverride();
    configureHelp(command);
    command.configureOutput({ outputError: (text) => tell(usageText(command, text)) });
    for (const option of command.options) if (option.mandatory) option.description += ' (required)';
  }
  return program;
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** A reader that has seen enough (`linkspan … | head`) is no reason to stop a migration. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

function tell(text: string): void {
  tellLine('linkspan', text, 'error');
}
