import type { LiveMigration } from '../../atlas-api/index.ts';
import type { ErrorData } from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import { lookAgain } from '../administration/look-again.ts';
import { errorData } from '../command-line/describe-error.ts';
import { createEntry } from './apply-changes.ts';
import type { EntryDiff, FleetDiff } from './compare-fleet.ts';
import { type Fleet, placesOn } from './fleet-file.ts';
import type { FleetServer } from './fleet-server.ts';
import { type EntryState, newestOf, refusedState, stateOf, statesOf } from './fleet-state.ts';
import { nextEntries } from './next-entries.ts';

/** A list of 500 migrations has some megabytes. */
const LOOK_EVERY_MS = 2_000;

/** How to run a fleet. */
interface FleetRun {
  readonly server: FleetServer;
  readonly fleet: Fleet;
  readonly diff: FleetDiff;
  /** Ends the run. */
  readonly stop: AbortSignal;
  /** Gets the states of all entries after each look. */
  readonly show: (states: readonly EntryState[]) => void;
}

/**
 * Begins the entries of a fleet, wave by wave, until every entry is ready, complete, failed, or held by a failed one.
 * @throws the reason of `stop`, and the errors of a server that can't be asked
 */
export async function runFleet({ server, fleet, diff, stop, show }: FleetRun): Promise<void> {
  const refusals = new Map<string, ErrorData>();
  const names = new Set(diff.entries.map(({ entry }) => entry.name));
  for await (const migrations of lookAgain(() => server.migrations(fleet.fleet), stop, LOOK_EVERY_MS)) {
    const newest = newestOf(migrations);
    const states = diff.entries.map((one) =>
      stateOfEntry(one, newest.get(one.entry.name), refusals.get(one.entry.name)),
    );
    const others = statesOf(migrations).filter(({ entry }) => !names.has(entry));
    show(states);
    const { begin, isOver } = nextEntries(states, others, (agent) => placesOn(fleet, agent));
    if (isOver) return;
    for (const one of diff.entries.filter(({ entry }) => begin.includes(entry.name))) {
      try {
        await createEntry(server, fleet, one, stop);
      } catch (error) {
        if (!(error instanceof UserError && error.code === 'API_REFUSED')) throw error;
        refusals.set(one.entry.name, errorData(error));
      }
    }
  }
  throw stop.reason;
}

function stateOfEntry(
  { entry, replaces }: EntryDiff,
  newest: LiveMigration | undefined,
  refusal: ErrorData | undefined,
): EntryState {
  const known = { entry: entry.name, wave: entry.wave, agent: entry.agent };
  if (refusal !== undefined) return refusedState(known, refusal);
  return stateOf(known, newest?._id === replaces ? undefined : newest);
}
