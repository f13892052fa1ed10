import type { Document } from 'mongodb';
import { fieldIn } from './bson-edits.ts';
import type { Command } from './fact.ts';

/** Whether the command reads a change stream of a database or of the cluster. */
export function isStream({ name, body }: Command): boolean {
  if (name === 'getMore') return fieldIn(body, 'collection') === '$cmd.aggregate';
  const [first] = (fieldIn(body, 'pipeline') ?? []) as Document[];
  return first?.$changeStream !== undefined;
}

export function namespaceOf(event: Buffer): { readonly db?: string; readonly coll?: string } {
  return (fieldIn(event, 'ns') ?? {}) as { db?: string; coll?: string };
}
