import { withoutControls } from '../terminal/index.ts';
import type { EntryDiff, FleetDiff } from './compare-fleet.ts';
import { entryNameOf, waveOf } from './fleet-labels.ts';

const MARKS = { CREATE: '+ create', CHANGE: '~ change', SAME: '= same' } as const;
const WIDEST_MARK = '+ destination'.length;
const GAP = '  ';

/** Formats what an apply does, for people: a line for each destination, entry and unmanaged migration. */
export function diffText(fleet: string, { destinations, entries, unmanaged }: FleetDiff): string {
  const count = (wanted: EntryDiff['action']) => entries.filter(({ action }) => action === wanted).length;
  const width = Math.max(
    ...[...destinations, ...entries.map(({ entry }) => entry)].map(({ name }) => name.length),
    ...unmanaged.map((migration) => entryNameOf(migration).length),
  );
  const line = (mark: string, name: string, rest: string) =>
    [mark.padEnd(WIDEST_MARK), name.padEnd(width), rest].join(GAP).trimEnd();
  const lines = [
    `fleet ${fleet}: ${count('CREATE')} to create, ${count('CHANGE')} to change, ${count('SAME')} unchanged, ${unmanaged.length} unmanaged`,
    ...destinations.map(({ name, action, hosts }) => line(`${MARKS[action].charAt(0)} destination`, name, hosts)),
    ...entries.map((diff) => line(MARKS[diff.action], diff.entry.name, aboutEntry(diff))),
    ...unmanaged.map((migration) => {
      const wave = waveOf(migration) ?? '?';
      return line('? unmanaged', entryNameOf(migration), `wave ${wave}${GAP}${migration._id} ${migration.status}`);
    }),
  ];
  return lines.map((text) => `${withoutControls(text)}\n`).join('');
}

function aboutEntry({ entry, action, changes, unreported }: EntryDiff): string {
  if (changes.length > 0) return changes.map(({ field, from, to }) => `${field}: ${from} → ${to}`).join('; ');
  const drop = action === 'CREATE' && entry.drop ? ', drops the databases of the destination' : '';
  const lack = unreported === undefined ? '' : `; ${unreported}`;
  return `wave ${entry.wave}${GAP}${entry.agent}: ${entry.source.cluster} → ${entry.destination}${drop}${lack}`;
}

/** Returns what an apply does as data for programs. */
export function diffData(fleet: string, { destinations, entries, unmanaged }: FleetDiff): object {
  return {
    type: 'diff',
    fleet,
    destinations,
    entries: entries.map(({ entry, action, changes, migration, unreported }) => ({
      entry: entry.name,
      wave: entry.wave,
      action,
      agent: entry.agent,
      source: { project: entry.source.project, cluster: entry.source.cluster },
      destination: entry.destination,
      dropsDestination: action === 'CREATE' && entry.drop,
      changes,
      unreported: unreported ?? null,
      migrationId: migration?._id ?? null,
    })),
    unmanaged: unmanaged.map((migration) => ({
      entry: entryNameOf(migration),
      wave: waveOf(migration) ?? null,
      migrationId: migration._id,
      status: migration.status,
    })),
  };
}
