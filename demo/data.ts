import { existsSync } from 'node:fs';
import type { Document, IndexDescription } from 'mongodb';
import { publicData, publicDataFolder } from './public-data.ts';
import { shopData } from './shop-data.ts';

/** The database for all data. */
export const database = 'demo';

/** The documents of one collection. */
export interface Dataset {
  readonly collection: string;
  readonly documents: readonly Document[];
}

/** The data of a demonstration. */
export interface DemoData {
  /** For people: where the documents come from. */
  readonly origin: string;
  readonly datasets: () => Iterable<Dataset>;
  /** By collection. */
  readonly indexes: Readonly<Record<string, readonly IndexDescription[]>>;
  readonly view: { readonly name: string; readonly viewOn: string; readonly pipeline: Document[] };
  /** The collections that the live load writes to: large ones, so that many writes hit ranges being copied. No unique index. */
  readonly written: readonly string[];
}

/** Returns public data where the package `vega-datasets` is installed, as in a checkout. Else generated data. */
export function demoData(): DemoData {
  return existsSync(publicDataFolder) ? publicData : shopData;
}
