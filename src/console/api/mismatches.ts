import { send } from './client.ts';
import type { MigrationMismatches, Mismatch } from './types.ts';

const PAGE_SIZE = 500;

/**
 * Reads all documents that differed in a migration, page after page, oldest first. One that is found meanwhile comes at
 * the end.
 * @param path  of the migration
 * @throws ApiProblem, TypeError as {@link send}
 */
export async function* readMismatches(path: string, signal: AbortSignal): AsyncGenerator<readonly Mismatch[]> {
  for (let page = 1; ; page += 1) {
    const query = `itemsPerPage=${PAGE_SIZE}&pageNum=${page}`;
    const { results } = await send<MigrationMismatches>('GET', `${path}/mismatches?${query}`, { signal });
    yield results;
    if (results.length < PAGE_SIZE) return;
  }
}
