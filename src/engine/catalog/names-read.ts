import { decode } from '../bson/decode.ts';
import { catalogName } from '../mongodb/namespaces.ts';
import { documentOf } from './fields.ts';
import type { CatalogEntry } from './read-catalog.ts';

/**
 * Returns the names of collections and views that a view reads: its source and those that its stages join. All are in
 * its own database.
 */
export function namesRead({ options }: CatalogEntry): Set<string> {
  const { viewOn, pipeline } = decode(documentOf(options));
  const names = new Set<string>();
  const add = (name: unknown) => {
    if (typeof name === 'string') names.add(catalogName(name));
  };
  add(viewOn);
  visit(pipeline, (stage, argument) => {
    if (stage === '$lookup' || stage === '$graphLookup') add(fieldOf(argument, 'from'));
    if (stage === '$unionWith') add(typeof argument === 'string' ? argument : fieldOf(argument, 'coll'));
  });
  return names;
}

/** Visits every field at any depth, because stages can contain pipelines. */
function visit(value: unknown, see: (name: string, value: unknown) => void): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    see(name, inner);
    visit(inner, see);
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
