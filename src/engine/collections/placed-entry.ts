import type { CatalogEntry } from '../catalog/read-catalog.ts';

/** An entry of the source's catalog, and its name on the destination. */
export type PlacedEntry = CatalogEntry & { readonly destinationName: string };
