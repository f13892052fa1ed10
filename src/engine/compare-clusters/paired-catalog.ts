import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { readDefinitions } from '../accounts/definition.ts';
import { type CatalogDifference, compareAccounts, compareCatalogs } from '../compare/catalog-differences.ts';
import {
  type CompareScope,
  readBothCatalogs,
  type SideCatalog,
  type SideEntry,
  whyIncomparable,
} from '../compare/side-catalog.ts';
import { shownName } from '../mongodb/namespaces.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { Side } from '../mongodb/side.ts';
import type { ComparedSide } from './compared-side.ts';

/** The catalogs of both sides, and their differences. */
export interface BothCatalogs {
  readonly source: SideCatalog;
  readonly destination: SideCatalog;
  readonly differences: readonly CatalogDifference[];
}

export interface ReadCatalogsOptions {
  readonly scope: CompareScope;
  /** Whether the destination may have more than the source. */
  readonly keepsDestination: boolean;
  readonly usersAndRoles: boolean;
}

/**
 * Refuses a catalog with something that no rule knows: it could be called equal although it isn't.
 * @throws UserError NOT_COMPARABLE
 */
export function refuseUnknown(catalog: SideCatalog, side: Side | 'cluster'): void {
  for (const entry of catalog.values()) {
    const why = whyIncomparable(entry);
    const { database, name, options } = entry;
    if (why !== undefined)
      throw new UserError('NOT_COMPARABLE', [`${database}.${shownName(name, options)}`, side, why]);
  }
}

/**
 * Reads the catalogs of both sides, and users and roles when they are asked for.
 * @throws UserError NOT_COMPARABLE
 */
export async function readCatalogs(
  { source, destination, retrier }: { source: ComparedSide; destination: ComparedSide; retrier: Retrier },
  { scope, keepsDestination, usersAndRoles }: ReadCatalogsOptions,
): Promise<BothCatalogs> {
  const clients = { source: source.client, destination: destination.client, retrier };
  const both = await readBothCatalogs(clients, scope);
  refuseUnknown(both.source, 'source');
  refuseUnknown(both.destination, 'destination');
  const accounts = usersAndRoles
    ? compareAccounts(
        ...(await Promise.all([
          retrier.run('the source', () => accountsOf(source.client)),
          retrier.run('the destination', () => accountsOf(destination.client)),
        ])),
      )
    : [];
  const differences = compareCatalogs(both.source, both.destination, { keepsDestination });
  return { ...both, differences: [...differences, ...accounts] };
}

/** Returns the collections that have documents to compare, from both sides. */
export function pairsOf({ source, destination }: BothCatalogs): (readonly [SideEntry, SideEntry])[] {
  return [...source.values()].flatMap((entry) => {
    const counterpart = destination.get(entry.sourceNamespace);
    if (counterpart === undefined || entry.type === 'view' || entry.type !== counterpart.type) return [];
    return [[entry, counterpart] as const];
  });
}

async function accountsOf(client: MongoClient) {
  return (await Promise.all([readDefinitions(client, 'user'), readDefinitions(client, 'role')])).flat();
}
