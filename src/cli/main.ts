import { Command, CommanderError } from 'commander';
import { version } from '../platform/index.ts';
import { nounHelp } from './administration/noun-help.ts';
import { describeError } from './command-line/describe-error.ts';
import { type ExitCode, exitCode } from './command-line/exit-code.ts';
import { endOf } from './command-line/outcome.ts';
import { noteRunning, usageText } from './command-line/usage.ts';
import { ADDITIONAL, colour, configureHelp, takeNoColor, tell as tellLine, wrap } from './terminal/index.ts';

/** A command, as long as it isn't loaded. */
interface Listed {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const listed = (summary: string, load: Listed['load']): Listed => ({ summary, load });

const noun = (name: string): Listed => ({
  summary: nounHelp[name]?.summary ?? '',
  load: async () => (await import('./administration/index.ts')).administrationCommand(name),
});

/**
 * The commands, by the group that the help shows them in. The groups are the folders beside this file, but for `migration`, `validation` and
 * the commands of fleets: users look for these among the commands that migrate. A command loads when it runs: `serve` starts in half the time without engine and driver.
 */
const groups: Readonly<Record<string, Readonly<Record<string, Listed>>>> = {
  'Run:': {
    serve: listed('Run the control plane: API, console and gateway for agents', async () =>
      (await import('./run/serve-command.ts')).serveCommand(),
    ),
    agent: listed('Run the migration host beside the source clusters', async () =>
      (await import('./run/agent.ts')).agentCommand(),
    ),
    demo: listed('Show a whole migration between two new replica sets here', async () =>
      (await import('./run/demo.ts')).demoCommand(),
    ),
  },
  'Migrate:': {
    migration: noun('migration'),
    validation: noun('validation'),
    apply: listed('Create the migrations of a file, wave by wave', async () =>
      (await import('./fleets/apply.ts')).applyCommand(),
    ),
    fleet: listed('Show the migrations of a file by wave', async () =>
      (await import('./fleets/fleet.ts')).fleetCommand(),
    ),
    plan: listed('Check two clusters and estimate a migration (read-only)', async () =>
      (await import('./migrate/plan.ts')).planCommand(),
    ),
    probe: listed('Try on two clusters what Linkspan relies on', async () =>
      (await import('./migrate/probe.ts')).probeCommand(),
    ),
    sync: listed('Migrate between two clusters without a control plane', async () =>
      (await import('./migrate/sync-command.ts')).syncCommand(),
    ),
    verify: listed('Compare two clusters byte by byte, live or at rest', async () =>
      (await import('./migrate/verify.ts')).verifyCommand(),
    ),
    digest: listed('Make a report of digests of one cluster (read-only)', async () =>
      (await import('./migrate/digest.ts')).digestCommand(),
    ),
    cleanup: listed('Show or remove leftovers of migrations on a destination', async () =>
      (await import('./migrate/cleanup.ts')).cleanupCommand(),
    ),
  },
  'Administer:': {
    org: noun('org'),
    project: noun('project'),
    cluster: noun('cluster'),
    'api-key': noun('api-key'),
    'service-account': noun('service-account'),
    'link-token': noun('link-token'),
    link: noun('link'),
    'available-project': noun('available-project'),
    event: noun('event'),
    status: noun('status'),
  },
  'Maintain:': {
    backup: listed('Copy the store into one file while the server runs', async () =>
      (await import('./maintain/backup.ts')).backupCommand(),
    ),
    restore: listed('Create a data directory from a backup', async () =>
      (await import('./maintain/backup.ts')).restoreCommand(),
    ),
    restored: listed('List or acknowledge credentials to review after a restore', async () =>
      (await import('./maintain/restored.ts')).restoredCommand(),
    ),
    keys: listed('Rotate the master key', async () => (await import('./maintain/keys.ts')).keysCommand()),
    audit: listed('Check the audit records', async () => (await import('./maintain/audit.ts')).auditCommand()),
    hooks: listed('Test the commands and webhooks that receive events', async () =>
      (await import('./maintain/hooks.ts')).hooksCommand(),
    ),
    doctor: listed('Check host, server, agent and clusters (read-only)', async () =>
      (await import('./maintain/doctor.ts')).doctorCommand(main),
    ),
    'support-bundle': listed('Write a diagnostic file without secrets and names', async () =>
      (await import('./maintain/support-bundle.ts')).supportBundleCommand(),
    ),
  },
  [ADDITIONAL]: {
    completion: listed('Print a completion script for a shell', async () =>
      (await import('./completion/index.ts')).completionCommand(linkspan),
    ),
  },
};

const EXIT_STATUS =
  '  Exit status: 0 done · 1 failed · 2 usage or precondition · 3 differences found · 4 stopped, can be resumed · 130 interrupted';

const LEARN_MORE = [
  '  Use "linkspan <command> <subcommand> --help" for the flags of a command.',
  '  Read docs/get-started/first-migration.md for a first migration, and docs/reference/interfaces.md for variables, output and exit codes.',
  EXIT_STATUS,
];

/**
 * Runs one command line. A server's command resolves when the server has stopped.
 * @param argv  the words after the program's name
 * @returns the exit code; every error is on stderr by then
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
    const program = await linkspan(words.length === 0 ? '--help' : words[0]);
    await program.parseAsync(words, { from: 'user' });
    return (process.exitCode ?? exitCode.done) as ExitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usageOrPrecondition;
    tell(describeError(error));
    return endOf(error).code;
  }
}

/**
 * The program, with one command if `name` is one, and with none to show its version. Else with all of them: suggestions and completion
 * need these. Its help needs only their summaries.
 * @param name  the first word of the command line
 */
export async function linkspan(name = ''): Promise<Command> {
  const program = new Command('linkspan')
    .usage('<command> <subcommand> [flags]')
    .description('Self-hosted push live migration for MongoDB that speaks the MongoDB Atlas Administration API.')
    .version(version, '-V, --version', 'Show the version')
    .option('--no-color', 'Print without colours, as NO_COLOR=1 does; every command accepts this flag')
    .addHelpText('after', () => {
      const lines = LEARN_MORE.map((line) => wrap(line, process.stdout, 4));
      return `\n${[colour('heading', 'Learn more:', process.stdout), ...lines].join('\n')}`;
    })
    .hook('preAction', (_program, action) => noteRunning(action));
  const isKnown = isVersionFlag(name) || Object.values(groups).some((commands) => Object.hasOwn(commands, name));
  for (const [group, commands] of Object.entries(groups)) {
    program.commandsGroup(group);
    for (const [one, { summary, load }] of Object.entries(commands)) {
      if (one !== name && isKnown) continue;
      const command = isHelpFlag(name) ? new Command(one) : await load();
      program.addCommand(command.summary(summary));
    }
  }
  for (const command of everyCommand(program)) {
    command.exitOverride();
    configureHelp(command);
    command.configureOutput({ outputError: (text) => tell(usageText(command, text)) });
    for (const option of command.options) if (option.mandatory) option.description += ' (required)';
  }
  return program;
}

const isHelpFlag = (word: string) => word === '--help' || word === '-h';
const isVersionFlag = (word: string) => word === '--version' || word === '-V';

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** Ignores EPIPE: a reader that closes the pipe early (`linkspan … | head`) must not stop a migration. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

function tell(text: string): void {
  tellLine('linkspan', text, 'error');
}
