import type { MigrationCollections } from '../../atlas-api/index.ts';
import { counted } from '../../platform/index.ts';

type Reported = Pick<MigrationCollections, 'reportedAt' | 'isCurrent' | 'itemsReported' | 'itemsTotal'>;

/** Tells that a list of an agent is not complete yet, or not current; empty when it is both. */
export function reportedText(answer: unknown): string {
  const { reportedAt, isCurrent, itemsReported, itemsTotal } = answer as Reported;
  if (reportedAt === null) return 'The agent has not reported this list yet.\n';
  const lines = [
    ...(itemsReported < itemsTotal ? [`The agent has sent ${itemsReported} of ${counted(itemsTotal, 'item')}.`] : []),
    ...(isCurrent ? [] : [`As reported at ${reportedAt}.`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
