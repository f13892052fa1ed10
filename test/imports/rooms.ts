import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A folder of `src` and its rank, which decides what it may import. */
export interface Room {
  /** Path from the repository's root. */
  readonly path: string;
  readonly rank: number;
  /** Rooms of `src/` that it may use; undefined when it may use every lower rank. */
  readonly uses: readonly string[] | undefined;
  /** Rooms from which it may import only types. */
  readonly usesTypesOf: readonly string[];
}

const ROW = /^\| `(src\/[^`]+)` \| (\d+) \| [^|]+ \| ([^|]*)\|$/gm;

/** The rooms of docs/internals/architecture.md. @param root  the repository */
export function readRooms(root: string): Room[] {
  const page = readFileSync(join(root, 'docs/internals/architecture.md'), 'utf8');
  return [...page.matchAll(ROW)].map(([, path = '', rank, cell = '']) => {
    const names = [...cell.matchAll(/(types of )?`([^`]+)`/g)];
    const usesTypesOf = names.flatMap(([, types, name = '']) => (types ? [name] : []));
    const uses = names.length === 0 ? undefined : names.map(([, , name = '']) => name);
    return { path, rank: Number(rank), uses, usesTypesOf };
  });
}
