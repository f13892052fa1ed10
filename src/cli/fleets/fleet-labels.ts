import type { LiveMigration } from '../../atlas-api/index.ts';
import type { Labels } from '../../contract/index.ts';

/** Prefix of the labels that `linkspan apply` gives to migrations. */
export const OWN_PREFIX = 'linkspan/';
const FLEET = `${OWN_PREFIX}fleet`;
const ENTRY = `${OWN_PREFIX}entry`;
const WAVE = `${OWN_PREFIX}wave`;

/** The parts of an entry that its labels have. */
interface Labelled {
  readonly name: string;
  readonly wave: number;
  readonly labels: Labels;
}

/** Returns all labels of an entry's migration. @param fleet  name of the fleet */
export function labelsOfEntry(fleet: string, { name, wave, labels }: Labelled): Labels {
  return { [FLEET]: fleet, [ENTRY]: name, [WAVE]: String(wave), ...labels };
}

/** Returns the filter of lists that selects the migrations of a fleet. */
export function fleetFilter(fleet: string): string {
  return `${FLEET}=${fleet}`;
}

/** Returns the name of the entry that a migration belongs to. */
export function entryNameOf({ linkspan: { labels } }: LiveMigration): string {
  return labels[ENTRY] ?? '';
}

/** Returns the wave of a migration; undefined when its label was removed or isn't a number. */
export function waveOf({ linkspan: { labels } }: LiveMigration): number | undefined {
  const wave = Number(labels[WAVE] || Number.NaN);
  return Number.isInteger(wave) ? wave : undefined;
}
