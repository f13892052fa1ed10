import { counted } from '../../platform/index.ts';

/** The limits of a proof of equality. */
export interface Reserved {
  readonly seesExternalWrites: boolean;
  readonly externalWrites: number;
  readonly cappedUncertain: readonly string[];
  /** The ranges that digests showed to be equal; absent without a digest helper. */
  readonly digests?: { readonly host: string; readonly ranges: number; readonly documents: number } | undefined;
}

/** The most names in a sentence. */
const NAMED = 3;

/** Whether nothing limits a proof of equality. */
export function isUnreserved({ seesExternalWrites, cappedUncertain }: Reserved): boolean {
  // rule: reserve-unseen-writes
  return seesExternalWrites && cappedUncertain.length === 0;
}

/** Returns the conditions of a proof of equality, to be put after the words that claim it; empty without one. */
export function conditionsOf({ seesExternalWrites, cappedUncertain }: Reserved): string {
  const unseen = seesExternalWrites ? '' : ', unless others wrote to the destination';
  const capped = cappedUncertain.length === 0 ? '' : `, except for ${cappedCount(cappedUncertain)}`;
  return `${unseen}${capped}`;
}

/** Returns the reasons of the conditions, what was compared by digest, and how much other clients wrote, as sentences. */
export function reservationsOf({ seesExternalWrites, externalWrites, cappedUncertain, digests }: Reserved): string[] {
  return [
    ...(digests === undefined ? [] : [digestsText(digests)]),
    ...(seesExternalWrites ? [] : ["The destination's oplog can't be read, so writes of others there stay unseen."]),
    ...(externalWrites === 0 ? [] : [`Others wrote ${counted(externalWrites, 'document')} to the destination.`]),
    ...(cappedUncertain.length === 0
      ? []
      : [
          `${cappedCount(cappedUncertain)} changed or differed when last compared, and may differ: ${named(cappedUncertain)}.`,
        ]),
  ];
}

/** Returns the first of some names, and how many more there are. */
export function named(names: readonly string[]): string {
  const more = names.length - NAMED;
  return more > 0 ? `${names.slice(0, NAMED).join(', ')} and ${more} more` : names.join(', ');
}

function digestsText({ host, ranges, documents }: NonNullable<Reserved['digests']>): string {
  return `Compared by digest at host ${host}: ${counted(ranges, 'range')}, ${counted(documents, 'document')}.`;
}

function cappedCount(namespaces: readonly string[]): string {
  return counted(namespaces.length, 'capped collection');
}
