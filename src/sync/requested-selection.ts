import { z } from 'zod';
import type { MigrationOptions } from '../engine/index.ts';

const pattern = z.strictObject({ pattern: z.string(), options: z.string().optional() });

const namespaceFilters = z.array(
  z.strictObject({
    database: z.string().optional(),
    databaseRegex: pattern.optional(),
    collections: z.array(z.string()).optional(),
    collectionsRegex: pattern.optional(),
  }),
);

const documentFilter = z.strictObject({
  database: z.string(),
  collection: z.string(),
  filter: z.record(z.string(), z.unknown()),
});

const remappedName = z.strictObject({ database: z.string(), collection: z.string().optional() });

/** Fields of `/start`, and of the configuration file for `--once`, that select and rename namespaces: mongosync's fields, and `documentFilters`. */
export const selectionFields = {
  includeNamespaces: namespaceFilters.optional(),
  excludeNamespaces: namespaceFilters.optional(),
  documentFilters: z.array(documentFilter).optional(),
  namespaceRemap: z.array(z.strictObject({ from: remappedName, to: remappedName })).optional(),
  preExistingDestinationData: z.boolean().optional(),
  skipDiskSpaceCheck: z.boolean().optional(),
};

/** The requested selection as options of the engine. Options that were not requested are left out. */
export type RequestedSelection = Pick<
  MigrationOptions,
  'filters' | 'documentFilters' | 'namespaceRemap' | 'keepDestination' | 'skipDiskSpaceCheck'
>;

export function requestedSelection(fields: z.output<z.ZodObject<typeof selectionFields>>): RequestedSelection {
  const { includeNamespaces: include, excludeNamespaces: exclude } = fields;
  return {
    ...(include?.length || exclude?.length ? { filters: { include, exclude } } : {}),
    ...(fields.documentFilters?.length ? { documentFilters: fields.documentFilters } : {}),
    ...(fields.namespaceRemap?.length ? { namespaceRemap: fields.namespaceRemap } : {}),
    ...(fields.preExistingDestinationData ? { keepDestination: true } : {}),
    ...(fields.skipDiskSpaceCheck ? { skipDiskSpaceCheck: true } : {}),
  };
}
