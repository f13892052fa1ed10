import { inWords } from '../../contract/index.ts';
import type { CatalogDifference } from '../compare/catalog-differences.ts';

/** Describes a difference for people. */
export function describeCatalogDifference(difference: CatalogDifference): string {
  const { namespace, class: kind, name, path, source, destination } = difference;
  const what = [inWords(kind), name, path].filter((part) => part !== undefined).join(' ');
  const values = path === undefined ? '' : ` (source ${source ?? 'none'}, destination ${destination ?? 'none'})`;
  return `${namespace}: ${what}${values}`;
}
