import type { Document } from 'mongodb';
import type { Catalog, Routing, Sharding } from './catalog.ts';
import { decodeExactly } from './elements.ts';
import type { Request } from './request.ts';
import { isExact, keyOfDocument, keyOfQuery } from './shard-key.ts';

/** The shards of one statement, or the error with which a router refuses it. */
export type Target = { readonly shards: readonly string[] } | { readonly error: Document };

/**
 * Returns the target of each statement of a write.
 * @param statements documents of an insert, or statements of an update, a delete or a `findAndModify`
 */
export async function targetsOf(
  request: Request,
  { primary, sharded }: Routing,
  statements: readonly Buffer[],
  catalog: Catalog,
): Promise<Target[]> {
  if (!sharded) return statements.map(() => ({ shards: [primary] }));
  const decoded = statements.map((bytes) => decodeExactly(bytes));
  const keys = decoded.map((statement) =>
    request.name === 'insert' ? keyOfDocument(statement, sharded.key) : keyOfStatement(statement, sharded),
  );
  const known = keys.filter((key) => key !== undefined);
  const owners = await catalog.owners(sharded, known);
  return decoded.map((statement, n) => {
    const key = keys[n];
    const owner = key && owners[known.indexOf(key)];
    return owner === undefined ? withoutKey(request.name, statement, sharded) : { shards: [owner] };
  });
}

/** Returns the shard key of the query, or of a replacement that creates nothing. */
function keyOfStatement({ q, query, u, upsert }: Document, { key }: Sharding): Document | undefined {
  const isReplacement = u !== undefined && !Array.isArray(u) && !Object.keys(u)[0]?.startsWith('$');
  return keyOfQuery(q ?? query ?? {}, key) ?? (isReplacement && !upsert ? keyOfDocument(u, key) : undefined);
}

function withoutKey(name: string, { q, upsert, multi, limit }: Document, { versions }: Sharding): Target {
  if (upsert) return refused('Failed to target upsert by query :: could not extract exact shard key');
  const isForMany = multi === true || (limit !== undefined && Number(limit) === 0);
  if (q !== undefined && (isForMany || isExact(q._id))) return { shards: [...versions.keys()] };
  return refused(
    `A single ${name} on a sharded collection must contain an exact match on _id or contain the shard key`,
  );
}

function refused(errmsg: string): Target {
  return { error: { code: 61, errmsg } };
}
