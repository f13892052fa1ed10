import { Command } from 'commander';
import { UserError } from '../../platform/index.ts';
import { ApiClient } from '../administration/client.ts';
import { PLACES } from '../administration/command.ts';
import { readProfile } from '../administration/profile.ts';
import { profileOption } from '../administration/profile-option.ts';
import { type ReportCheck, reporting } from '../command-line/reporting.ts';
import { FleetServer } from './fleet-server.ts';
import { entryData, statesOf } from './fleet-state.ts';
import { fleetTable } from './fleet-table.ts';

interface StatusFlags {
  readonly profile: string;
  readonly projectId?: string;
}

/** `linkspan fleet`: shows the migrations that `linkspan apply` has created. */
export function fleetCommand(): Command {
  const status = new Command('status')
    .summary('Show the migrations of a fleet by wave')
    .description('Show the newest migration of each entry of a fleet by wave: status, stage, lag, agent, error.')
    .argument('<name>', 'name of the fleet, as in its file')
    .option('--projectId <id>', PLACES.projectId)
    .addOption(profileOption());
  return new Command('fleet')
    .description('Show fleets of migrations.')
    .commandsGroup('Core commands:')
    .addCommand(reporting(status, showStatus));
}

/** @throws UserError USAGE, FLEET_UNKNOWN, and those of {@link ApiClient} */
async function showStatus(flags: StatusFlags, _check: ReportCheck, [name = '']: readonly string[]) {
  const profile = readProfile(flags.profile);
  const projectId = flags.projectId ?? profile.projectId;
  if (projectId === undefined)
    throw new UserError('USAGE', ['--projectId is needed, or LINKSPAN_PROJECT_ID, or projectId in the profile']);
  const states = statesOf(await new FleetServer(new ApiClient(profile), projectId).migrations(name));
  if (states.length === 0) throw new UserError('FLEET_UNKNOWN', [name, projectId]);
  return { facts: { entries: states.map(entryData) }, text: fleetTable(states) };
}
