import { Command, Option } from 'commander';
import { cleanUp, type Leftovers, listLeftovers, shownState } from '../../engine/index.ts';
import { UserError } from '../../platform/index.ts';
import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { type End, endOf, writeResult } from '../command-line/outcome.ts';
import { outputOption } from '../command-line/output-option.ts';
import type { OutputFormat } from '../progress/index.ts';
import { tell as tellLine, wrap } from '../terminal/index.ts';

interface CleanupFlags {
  readonly destination?: string | undefined;
  readonly migration?: string;
  readonly drop?: boolean;
  readonly dryRun?: boolean;
  readonly closeFailback?: boolean;
  readonly output: OutputFormat;
}

const SOURCE_BLOCKED =
  "  the source may still refuse its users' writes, because a cutover was interrupted. After this cleanup nothing lifts that block; run " +
  'there: db.adminCommand({setUserWriteBlockMode: 1, global: false})';

const FAILBACK_OPEN =
  '  its failback is open and needs these records: a cleanup without --close-failback is refused. linkspan migration finish, or POST ' +
  '/finish of linkspan sync, closes it';

/** `linkspan cleanup`: shows or removes the leftovers of migrations on a destination. */
export function cleanupCommand(): Command {
  return new Command('cleanup')
    .description(
      'Show or remove what migrations left on a destination. Without --migration, it shows the leftovers of every migration. With it, it ' +
        'deletes the checkpoint of that migration and lifts its write block; with --drop it also drops what the migration created, and ' +
        'nothing else. If another migration has taken over the destination, it only deletes the checkpoint. It refuses a reversible migration ' +
        'whose failback is open. It asks for no confirmation: try --dry-run first.',
    )
    .argument('[destination]', 'The same as --destination')
    .addOption(
      new Option(
        '--destination <uri>',
        'Connection string of the destination (required, here, as the argument or in the variable, which is not visible in the process list)',
      ).env('LINKSPAN_DESTINATION'),
    )
    .option('--migration <id>', 'Id of the migration to clean up')
    .option('--drop', 'Also drop the collections, views, users and roles that it created')
    .option('--close-failback', 'Close a failback that is open: no one can return after that')
    .option('--dry-run', 'Show what would be done, and change nothing')
    .addOption(outputOption())
    .action(async (destination: string | undefined, flags: CleanupFlags) => {
      process.exitCode = await runCleanup({ ...flags, destination: destination ?? flags.destination });
    });
}

async function runCleanup(flags: CleanupFlags): Promise<ExitCode> {
  const report = (end: End) => {
    if (flags.output === 'json') writeResult(end, process.stdout);
  };
  try {
    await cleanUpOrShow(flags);
  } catch (error) {
    report(endOf(error));
    throw error;
  }
  report({ code: exitCode.done });
  return exitCode.done;
}

async function cleanUpOrShow(flags: CleanupFlags): Promise<void> {
  const { destination, migration, drop = false, dryRun, closeFailback: closesFailback, output } = flags;
  if (!destination)
    throw new UserError('USAGE', ['A destination is needed: as the argument, --destination or LINKSPAN_DESTINATION']);
  if (drop && migration === undefined) throw new UserError('USAGE', ['--drop needs --migration']);
  if (closesFailback && migration === undefined) throw new UserError('USAGE', ['--close-failback needs --migration']);
  const address = { uri: destination };
  if (migration === undefined) {
    const found = await listLeftovers(address);
    for (const left of found) show(left, output, 'stays');
    if (found.length === 0) tell('no migration left anything on this destination');
    return;
  }
  const left = await cleanUp(address, migration, { drop, dryRun, closesFailback });
  const drops = drop && left.retiredBy === undefined;
  const would = left.failbackOpen && !closesFailback ? 'stays' : 'would be forgotten';
  const [fate, done] = dryRun ? ['would be dropped', `${would}; nothing was changed`] : ['dropped', 'is forgotten'];
  show(left, output, drops ? fate : 'stays');
  tell(`migration ${migration} ${done}`);
}

function show(left: Leftovers, output: OutputFormat, fate: string): void {
  const names = {
    collections: left.collections.map(({ database, name }) => `${database}.${name}`),
    views: left.views.map(({ database, name }) => `${database}.${name}`),
    users: left.users.map(({ _id }) => _id.id),
    roles: left.roles.map(({ _id }) => _id.id),
  };
  const { migrationId, state, retiredBy, error, weakenedIndexes, blocked, sourceBlocked, failbackOpen } = left;
  if (output === 'json') {
    const flags = { blocked, sourceBlocked, failbackOpen };
    const found = { type: 'leftovers', migrationId, state, retiredBy, error, ...names, weakenedIndexes, ...flags };
    process.stdout.write(`${JSON.stringify(found)}\n`);
    return;
  }
  const lines = [
    `migration ${migrationId}: ${shownState(state)}${error === undefined ? '' : `, ${error}`}`,
    ...(retiredBy === undefined
      ? []
      : [`  migration ${retiredBy} has taken the destination: nothing is dropped or opened`]),
    ...Object.entries(names).flatMap(([kind, list]) => list.map((name) => `  ${kind.slice(0, -1)} ${name}: ${fate}`)),
    ...weakenedIndexes.map((index) => `  not as on the source: index ${index}`),
    ...(blocked ? ["  the destination's users cannot write until the migration is forgotten"] : []),
    ...(sourceBlocked ? [SOURCE_BLOCKED] : []),
    ...(failbackOpen ? [FAILBACK_OPEN] : []),
  ];
  for (const line of lines) process.stdout.write(`${wrap(line, process.stdout, 4)}\n`);
}

function tell(text: string): void {
  tellLine('linkspan cleanup', text);
}
