import { migrationStatus } from '../contract/index.ts';
import type { MigrationFilter } from '../control/index.ts';
import { UserError } from '../platform/index.ts';

/** The query parameters of {@link readMigrationFilter}. */
export const MIGRATION_FILTERS = ['status', 'source', 'destination', 'label'] as const;

/**
 * Reads what a list of migrations is filtered by: `status`, several with commas; the names of the clusters as `source` and
 * `destination`; and any number of `label`, each `name` or `name=value`.
 * @throws UserError INVALID_QUERY_PARAMETER
 */
export function readMigrationFilter(query: URLSearchParams): MigrationFilter {
  const source = query.get('source');
  const destination = query.get('destination');
  return {
    ...(query.has('status') && { statuses: query.getAll('status').flatMap(statusesOf) }),
    ...(source !== null && { source }),
    ...(destination !== null && { destination }),
    labels: Object.fromEntries(query.getAll('label').map(labelOf)),
  };
}

function statusesOf(text: string) {
  return text.split(',').map((name) => {
    const { data } = migrationStatus.safeParse(name);
    if (data === undefined)
      throw new UserError('INVALID_QUERY_PARAMETER', ['status', migrationStatus.options.join(', ')]);
    return data;
  });
}

function labelOf(text: string): readonly [name: string, value: string | null] {
  const at = text.indexOf('=');
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}
