import { Command, InvalidArgumentError } from 'commander';
import type { SourceProject } from '../../atlas-api/index.ts';
import { UserError } from '../../platform/index.ts';
import { ApiClient } from '../administration/client.ts';
import { readProfile } from '../administration/profile.ts';
import { profileOption } from '../administration/profile-option.ts';
import { WaitLimit } from '../administration/wait-limit.ts';
import { describeError } from '../command-line/describe-error.ts';
import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { reporting } from '../command-line/reporting.ts';
import type { OutputFormat } from '../progress/index.ts';
import { tell } from '../terminal/index.ts';
import { applyChanges } from './apply-changes.ts';
import { compareFleet, type FleetDiff } from './compare-fleet.ts';
import { readFleet } from './fleet-file.ts';
import { FleetProgress } from './fleet-progress.ts';
import { FleetServer } from './fleet-server.ts';
import { type EntryState, entryData } from './fleet-state.ts';
import { fleetTable } from './fleet-table.ts';
import { patiently } from './patiently.ts';
import { runFleet } from './run-fleet.ts';
import { diffData, diffText } from './shown-diff.ts';

const DAY_SECONDS = 86_400;

interface ApplyFlags {
  readonly file: string;
  readonly dryRun?: boolean;
  readonly retryFailed?: boolean;
  readonly timeout: number;
  readonly profile: string;
  readonly output: OutputFormat;
}

/** `linkspan apply`: creates the migrations of a file, wave by wave, until all are ready for the cutover or complete. */
export function applyCommand(): Command {
  const command = new Command('apply')
    .description(
      'Create the migrations of a file, wave by wave, until all are ready for the cutover or complete. Shows first what it changes. ' +
        'It cuts nothing over and deletes nothing, and can be repeated at any time.',
    )
    .requiredOption('-f, --file <file>', 'Fleet file: destinations, migrations, waves, limits')
    .option('--dry-run', 'Show what it would change, and end')
    .option('--retry-failed', 'Create another migration for each entry whose migration has failed')
    .option('--timeout <seconds>', 'Seconds to wait at most', parseSeconds, DAY_SECONDS)
    .addOption(profileOption());
  return reporting(command, apply);
}

/** @throws UserError USAGE, and those of {@link readFleet}, {@link compareFleet} and {@link ApiClient} */
async function apply({ file, dryRun, retryFailed = false, timeout, profile: name, output }: ApplyFlags) {
  const fleet = readFleet(file);
  const profile = readProfile(name);
  const project = fleet.project ?? profile.projectId;
  if (project === undefined)
    throw new UserError('USAGE', [`project is needed in ${file}, or LINKSPAN_PROJECT_ID, or projectId in the profile`]);
  const server = new FleetServer(new ApiClient(profile), project);
  using limit = new WaitLimit(timeout);
  const { stop } = limit;
  const progress = new FleetProgress(output);
  try {
    const found = await patiently(
      async () => ({
        destinations: await server.destinations(),
        migrations: await server.migrations(fleet.fleet),
        ...(dryRun && { projects: await sourceProjects(server) }),
      }),
      stop,
    );
    const diff = compareFleet(fleet, found, retryFailed);
    process.stdout.write(
      output === 'json' ? `${JSON.stringify(diffData(fleet.fleet, diff))}\n` : diffText(fleet.fleet, diff),
    );
    if (dryRun) return endOfDryRun(fleet.fleet, diff, output);
    await applyChanges(server, fleet, diff, stop);
    await runFleet({ server, fleet, diff, stop, show: (states) => progress.show(states) });
  } catch (error) {
    if (!stop.aborted || error !== stop.reason) throw error;
    return { code: limit.end(), error: server.failure, ...shown(progress.last) };
  }
  return { ...endOf(fleet.fleet, progress.last, output), ...shown(progress.last) };
}

/** Returns undefined, and says why, where the account may not see what agents report. */
async function sourceProjects(server: FleetServer): Promise<SourceProject[] | undefined> {
  try {
    return await server.sourceProjects();
  } catch (error) {
    if (!(error instanceof UserError && error.code === 'API_REFUSED')) throw error;
    tell('linkspan', `the entries are not compared with what the agents report: ${error.message}`, 'warning');
    return undefined;
  }
}

/** The end of a dry run: an error where the server would refuse an entry. */
function endOfDryRun(fleet: string, { entries }: FleetDiff, output: OutputFormat) {
  const names = entries.flatMap(({ entry, unreported }) => (unreported === undefined ? [] : [entry.name]));
  return names.length === 0 ? {} : ended(new UserError('FLEET_UNREPORTED', [fleet, names.join(', ')]), output);
}

function ended(error: UserError, output: OutputFormat, code: ExitCode = exitCode.usageOrPrecondition) {
  if (output === 'text') tell('linkspan', describeError(error), 'error');
  return { error, code };
}

/** The end of an apply after which nothing changes without an operator. */
function endOf(fleet: string, states: readonly EntryState[], output: OutputFormat) {
  const failed = states.flatMap(({ entry, failure }) => (failure === undefined ? [] : [{ entry, ...failure }]));
  const [first] = failed;
  if (first === undefined) return {};
  const names = failed.map(({ entry }) => entry).join(', ');
  const error = new UserError('FLEET_HELD', [String(failed.length), String(states.length), fleet, names]);
  return ended(error, output, failed.some(({ code }) => code === exitCode.failed) ? exitCode.failed : first.code);
}

function shown(states: readonly EntryState[]) {
  return { facts: { entries: states.map(entryData) }, text: states.length === 0 ? '' : `\n${fleetTable(states)}` };
}

function parseSeconds(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is not a number of seconds.');
  return Number(text);
}
